#include <opslab/sql/database.hpp>

#include <soci/soci.h>

#include <type_traits>

namespace opslab::sql {

Database::Database(
    Clock& clock, std::unique_ptr<Dialect> dialect, StatementTable statements, PoolSizes sizes
)
    : dialect_(std::move(dialect)),
      statements_(std::move(statements)),
      readers_(
          clock,
          [this] { return std::make_unique<Session>(statements_, dialect_->connect()); },
          sizes.readers,
          sizes.patience
      ),
      writers_(
          clock,
          [this] { return std::make_unique<Session>(statements_, dialect_->connect()); },
          sizes.writers,
          sizes.patience
      ) {}

Status Database::run(
    SessionPool& pool, const std::string& begin, const std::function<void(Session&)>& work
) {
    constexpr int kTries = 6;
    for (int tries = 1;; ++tries) {
        const auto done = try_once(pool, begin, work, tries == kTries);
        if (!done) {
            return fail(done.error());
        }
        if (*done) {
            return {};
        }
    }
}

// True: committed. False: nothing happened, and another try may do.
Result<bool> Database::try_once(
    SessionPool& pool,
    const std::string& begin,
    const std::function<void(Session&)>& work,
    bool last_try
) {
    bool opened = false;
    bool committing = false;
    try {
        auto lease = pool.lease();
        if (!lease) {
            return fail(std::move(lease.error()));
        }
        opened = true;
        try {
            ScopedTx tx{**lease, begin};
            work(**lease);
            committing = true;
            tx.commit();
        } catch (const std::exception&) {
            lease->spoil();
            throw;
        }
        if (const auto touched = (**lease).take_touched();
            touched.pending || !touched.tasks.empty()) {
            dialect_->committed(touched);
        }
        return true;
    } catch (const std::exception& thrown) {
        const auto trouble = dialect_->trouble(thrown);
        if (trouble == Trouble::disconnected) {
            pool.drop_idle();
        }
        // a connection that cannot even be opened is not tried again: the caller should hear soon
        const bool may_help = trouble == Trouble::collision ||
                              (trouble == Trouble::disconnected && opened && !committing);
        if (last_try || !may_help) {
            return fail(dialect_->describe(thrown));
        }
        return false;
    }
}

Status Database::prepare_all() {
    for (const auto& name : statements_.names()) {
        auto status = read([&](Session& session) {
            session.prepare(name);
            return true;
        });
        if (!status) {
            return fail(within("statement " + name, std::move(status.error())));
        }
    }
    return {};
}

}  // namespace opslab::sql
