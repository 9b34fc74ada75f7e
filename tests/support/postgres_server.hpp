#pragma once

#include <string>

namespace opslab::testing {

/// A throw-away PostgreSQL server of this test program, started when first asked for and removed
/// with all it holds when the program ends (scripts/postgres-server). Threads: one.
class PostgresServer {
public:
    /// The one of this program. Throws where there is no PostgreSQL: a test cannot pass without.
    static PostgresServer& shared();

    ~PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] const std::string& password() const { return password_; }

    /// Runs SQL as the owner. Throws with the server's words. Answers the first value, if any.
    std::string run(const std::string& sql);

    void start();
    void stop();
    void kill();

private:
    PostgresServer();

    std::string folder_;
    std::string url_{};
    std::string password_{};
};

/// A schema of its own, dropped at the end: what one test sees as an empty database.
class PostgresSchema {
public:
    explicit PostgresSchema(PostgresServer& server = PostgresServer::shared());
    ~PostgresSchema();
    PostgresSchema(const PostgresSchema&) = delete;
    PostgresSchema& operator=(const PostgresSchema&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& url() const { return url_; }

private:
    PostgresServer& server_;
    std::string name_;
    std::string url_;
};

}  // namespace opslab::testing
