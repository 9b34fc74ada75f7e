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
    try {
        auto lease = pool.lease();
        if (!lease) {
            return fail(std::move(lease.error()));
        }
        try {
            ScopedTx tx{**lease, begin};
            work(**lease);
            tx.commit();
        } catch (const std::exception&) {
            lease->spoil();
            throw;
        }
    } catch (const std::exception& thrown) {
        return fail(dialect_->describe(thrown));
    }
    return {};
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
