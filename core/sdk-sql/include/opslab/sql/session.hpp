#pragma once

#include <opslab/sql/statements.hpp>

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace soci {
class session;
}

namespace opslab::sql {

/// What a transaction changed that others may wait for.
struct Touched {
    bool pending = false;                ///< new tasks are pending
    std::vector<std::string> tasks{};    ///< ids of tasks whose history or status changed
    std::vector<std::string> workers{};  ///< ids of workers with a running task cancelled
};

/// One connection with its prepared statements.
///
/// Every statement takes one parameter, `:p`, a JSON object, and answers rows of one column, a JSON
/// text. That keeps SOCI's traps in one place: nothing temporary is bound, no column is read in 32
/// bits, NULL needs no indicator, and each statement is read to its end, since one with RETURNING
/// that is left open keeps every other writer out.
///
/// Threads: one at a time. Throws what SOCI throws; only `Database` catches.
class Session {
public:
    Session(const StatementTable& statements, std::unique_ptr<soci::session> connection);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Runs a named statement. `std::logic_error` where there is no such name.
    std::vector<nlohmann::json> rows(std::string_view name, const nlohmann::json& parameter);

    /// The same where no row or one comes; null where none does.
    nlohmann::json row(std::string_view name, const nlohmann::json& parameter);

    /// Prepares without running.
    void prepare(std::string_view name);

    /// Runs a text that has no parameters and answers nothing (BEGIN, COMMIT).
    void command(const std::string& text);

    /// Notes what the transaction changed; `take_touched` hands all of it over and forgets it.
    void touch(Touched touched);
    [[nodiscard]] Touched take_touched() { return std::exchange(touched_, Touched{}); }

    [[nodiscard]] soci::session& connection() { return *connection_; }

private:
    struct Prepared;
    Prepared& prepared(std::string_view name);

    const StatementTable& statements_;
    Touched touched_;
    // before the cache: statements end before their connection
    std::unique_ptr<soci::session> connection_;
    std::unordered_map<std::string, std::unique_ptr<Prepared>> cache_;
};

/// A transaction that is rolled back unless it is committed.
class ScopedTx {
public:
    /// `begin` is the database's own: `BEGIN IMMEDIATE` where writers must not start as readers.
    ScopedTx(Session& session, const std::string& begin);
    ~ScopedTx();
    ScopedTx(const ScopedTx&) = delete;
    ScopedTx& operator=(const ScopedTx&) = delete;

    void commit();

private:
    Session& session_;
    bool open_ = true;
};

}  // namespace opslab::sql
