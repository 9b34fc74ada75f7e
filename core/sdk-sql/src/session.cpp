#include <opslab/sql/session.hpp>

#include <nlohmann/json.hpp>
#include <soci/soci.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace opslab::sql {

// SOCI keeps the addresses of what is bound, so this never moves.
struct Session::Prepared {
    Prepared(soci::session& connection, const std::string& text)
        : statement(
              (connection.prepare << text, soci::use(parameter, "p"), soci::into(answer, null))
          ) {}

    std::string parameter{};
    std::string answer{};
    soci::indicator null = soci::i_ok;
    soci::statement statement;
};

Session::Session(const StatementTable& statements, std::unique_ptr<soci::session> connection)
    : statements_(statements), connection_(std::move(connection)) {}

Session::~Session() = default;

Session::Prepared& Session::prepared(std::string_view name) {
    std::string key{name};
    auto found = cache_.find(key);
    if (found == cache_.end()) {
        const auto* text = statements_.find(name);
        if (text == nullptr) {
            throw std::logic_error("no statement " + key);
        }
        auto fresh = std::make_unique<Prepared>(*connection_, *text);
        found = cache_.emplace(std::move(key), std::move(fresh)).first;
    }
    return *found->second;
}

void Session::prepare(std::string_view name) {
    prepared(name);
}

namespace {

/// Tells how one run of a statement went, also where it threw.
class StatementReport {
public:
    StatementReport(const StatementTable& statements, std::string_view name)
        : statements_(statements), name_(name) {
        if (statements.observer() != nullptr) {
            began_ = statements.clock().steady();
        }
    }
    StatementReport(const StatementReport&) = delete;
    StatementReport& operator=(const StatementReport&) = delete;
    ~StatementReport() {
        if (auto* observer = statements_.observer(); observer != nullptr) {
            observer->ran(name_, statements_.clock().steady() - began_, ok_);
        }
    }
    void succeeded() { ok_ = true; }

private:
    const StatementTable& statements_;
    std::string_view name_;
    SteadyTime began_{};
    bool ok_ = false;
};

}  // namespace

std::vector<nlohmann::json> Session::rows(std::string_view name, const nlohmann::json& parameter) {
    auto& use = prepared(name);
    StatementReport report(statements_, name);
    // bytes that are no UTF-8 become U+FFFD instead of an exception
    use.parameter = parameter.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::vector<nlohmann::json> all;
    bool got = use.statement.execute(true);
    while (got) {
        all.push_back(nlohmann::json::parse(use.answer));
        got = use.statement.fetch();
    }
    report.succeeded();
    return all;
}

nlohmann::json Session::row(std::string_view name, const nlohmann::json& parameter) {
    auto all = rows(name, parameter);
    return all.empty() ? nlohmann::json() : std::move(all.front());
}

void Session::touch(Touched touched) {
    touched_.pending = touched_.pending || touched.pending;
    std::move(touched.tasks.begin(), touched.tasks.end(), std::back_inserter(touched_.tasks));
    std::move(touched.workers.begin(), touched.workers.end(), std::back_inserter(touched_.workers));
}

void Session::command(const std::string& text) {
    *connection_ << text;
}

ScopedTx::ScopedTx(Session& session, const std::string& begin) : session_(session) {
    session_.command(begin);
}

ScopedTx::~ScopedTx() {
    if (open_) {
        try {
            session_.command("ROLLBACK");
        } catch (const std::exception&) {
            // the database ended it already (a full disk does); the pool drops this session
            open_ = false;
        }
    }
}

void ScopedTx::commit() {
    session_.command("COMMIT");
    open_ = false;
}

}  // namespace opslab::sql
