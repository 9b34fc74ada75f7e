#pragma once

#include <opslab/sql/session.hpp>
#include <opslab/sql/session_pool.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace opslab::sql {

/// What a failure of the database says about trying again. Only before COMMIT was sent: an answer
/// to that which never came leaves open what happened.
enum class Trouble {
    lasting,       ///< the same would happen again
    collision,     ///< another transaction was in the way (a deadlock, a key just taken)
    disconnected,  ///< this connection is gone, and others of its age may be
};

/// What differs from database to database beside the statements.
class Dialect {
public:
    Dialect() = default;
    Dialect(const Dialect&) = delete;
    Dialect& operator=(const Dialect&) = delete;
    virtual ~Dialect() = default;

    /// A connection with its settings made. Throws what SOCI throws.
    [[nodiscard]] virtual std::unique_ptr<soci::session> connect() = 0;

    /// An error for people and, as its detail, for the log. Neither may hold bound values or SQL.
    [[nodiscard]] virtual Error describe(const std::exception& thrown) const = 0;

    [[nodiscard]] virtual Trouble trouble(const std::exception&) const { return Trouble::lasting; }

    /// After each commit that changed something. From any thread; must return at once.
    virtual void committed(const Touched&) noexcept {}

    [[nodiscard]] virtual std::string begin_read() const = 0;
    [[nodiscard]] virtual std::string begin_write() const = 0;
};

struct PoolSizes {
    int readers = 4;
    int writers = 1;
    Duration patience = std::chrono::seconds{5};
};

/// Transactions over two pools. Nothing that SOCI throws leaves it. Threads: any.
class Database {
public:
    Database(Clock& clock, std::unique_ptr<Dialect> dialect, StatementTable statements, PoolSizes);

    /// Runs `work(Session&)` in one transaction and answers its value after the commit. An
    /// exception in it undoes everything and becomes an error. After a collision with another
    /// transaction or a lost connection `work` runs again, from its beginning, a few times.
    template <class Work>
    [[nodiscard]] auto write(Work&& work) {
        return in(writers_, dialect_->begin_write(), std::forward<Work>(work));
    }

    /// The same for reading: everything is seen as of one moment.
    template <class Work>
    [[nodiscard]] auto read(Work&& work) {
        return in(readers_, dialect_->begin_read(), std::forward<Work>(work));
    }

    [[nodiscard]] const StatementTable& statements() const { return statements_; }

    /// Prepares every statement. Errors: `internal`, naming the first that does not.
    [[nodiscard]] Status prepare_all();

private:
    template <class Work>
    auto in(SessionPool& pool, const std::string& begin, Work&& work)
        -> Result<std::invoke_result_t<Work, Session&>> {
        using Value = std::invoke_result_t<Work, Session&>;
        std::optional<Value> value;
        auto status = run(pool, begin, [&](Session& session) { value.emplace(work(session)); });
        if (!status) {
            return fail(std::move(status.error()));
        }
        return std::move(*value);
    }

    Status run(
        SessionPool& pool, const std::string& begin, const std::function<void(Session&)>& work
    );
    Result<bool> try_once(
        SessionPool& pool,
        const std::string& begin,
        const std::function<void(Session&)>& work,
        bool last_try
    );

    std::unique_ptr<Dialect> dialect_;
    StatementTable statements_;
    SessionPool readers_;
    SessionPool writers_;
};

}  // namespace opslab::sql
