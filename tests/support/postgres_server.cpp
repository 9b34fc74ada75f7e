#include "support/postgres_server.hpp"

#include <libpq-fe.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>

extern char** environ;

namespace opslab::testing {

namespace {

// Its output to the end.
std::string run_script(const std::string& action, const std::string& folder) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        throw std::runtime_error("no pipe");
    }
    std::string script = OPSLAB_SOURCE_DIR "/scripts/postgres-server";
    std::string verb = action;
    std::string place = folder;
    const std::array<char*, 4> arguments{script.data(), verb.data(), place.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, ends[0]);
    ::posix_spawn_file_actions_addclose(&actions, ends[1]);
    pid_t child = 0;
    const int spawned =
        ::posix_spawn(&child, script.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string text;
    std::array<char, 512> piece{};
    for (ssize_t got = 0; (got = ::read(ends[0], piece.data(), piece.size())) > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    if (spawned != 0 || ::waitpid(child, &status, 0) != child || status != 0) {
        throw std::runtime_error("scripts/postgres-server " + action + " failed");
    }
    return text.substr(0, text.find('\n'));
}

}  // namespace

PostgresServer& PostgresServer::shared() {
    static PostgresServer server;
    return server;
}

PostgresServer::PostgresServer() {
    auto pattern = (std::filesystem::temp_directory_path() / "opslab-pg-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary folder");
    }
    folder_ = pattern;
    start();
    const auto at = url_.find('@');
    const auto colon = url_.rfind(':', at);
    password_ = url_.substr(colon + 1, at - colon - 1);
}

PostgresServer::~PostgresServer() {
    try {
        run_script("remove", folder_);
    } catch (const std::exception&) {
        // nothing more can be done at the end of a test program
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
}

void PostgresServer::start() {
    url_ = run_script("start", folder_);
}

void PostgresServer::stop() {
    run_script("stop", folder_);
}

void PostgresServer::kill() {
    run_script("kill", folder_);
}

std::string PostgresServer::run(const std::string& sql) {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection{
        PQconnectdb(url_.c_str()), &PQfinish};
    const std::unique_ptr<PGresult, decltype(&PQclear)> done{
        PQexec(connection.get(), sql.c_str()), &PQclear};
    const auto status = PQresultStatus(done.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        throw std::runtime_error(PQerrorMessage(connection.get()));
    }
    return PQntuples(done.get()) > 0 ? PQgetvalue(done.get(), 0, 0) : "";
}

PostgresSchema::PostgresSchema(PostgresServer& server) : server_(server) {
    static std::atomic<int> count{0};
    name_ = "test_" + std::to_string(++count);
    server_.run("CREATE SCHEMA " + name_);
    url_ = server_.url() + "?options=-csearch_path%3D" + name_;
}

PostgresSchema::~PostgresSchema() {
    try {
        server_.run("SET client_min_messages = error; DROP SCHEMA " + name_ + " CASCADE");
    } catch (const std::exception&) {
        // a test that stopped the server left it so
        return;
    }
}

}  // namespace opslab::testing
