#include "sqlite_storage.hpp"

#include "0001_initial_sql.hpp"
#include "0002_task_origin_sql.hpp"
#include "0003_scale_sql.hpp"
#include "0004_circuit_open_sql.hpp"
#include "attempt_sql.hpp"
#include "event_sql.hpp"
#include "file_lock.hpp"
#include "service_sql.hpp"
#include "sqlite_dialect.hpp"
#include "task_page_sql.hpp"
#include "task_sql.hpp"
#include "worker_sql.hpp"

#include <opslab/sql/sql_storage.hpp>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <soci/soci.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace opslab::sqlite {

namespace {

constexpr std::array kMigrations{
    sql::Migration{1, "initial", k_0001_initial_sql},
    sql::Migration{2, "task_origin", k_0002_task_origin_sql},
    sql::Migration{3, "scale", k_0003_scale_sql},
    sql::Migration{4, "circuit_open", k_0004_circuit_open_sql},
};

Result<sql::StatementTable> statements() {
    constexpr std::array kFiles{
        k_task_sql, k_task_page_sql, k_attempt_sql, k_event_sql, k_worker_sql, k_service_sql};
    return sql::StatementTable::parse(kFiles);
}

// One name for one file, however it was reached: the lock hangs on it.
Result<std::filesystem::path> settled(const std::filesystem::path& path) {
    if (path.empty() || path.string().find('"') != std::string::npos) {
        return fail(
            Errc::invalid_argument, "the database path is empty or has a double quote in it"
        );
    }
    std::error_code error;
    auto canonical = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
    if (error) {
        return fail(
            Errc::unavailable,
            "cannot reach the database \"" + path.string() + "\": " + error.message()
        );
    }
    return canonical;
}

// Made here and not by SQLite, which would let the umask decide who may read it; its -wal and -shm
// take over the mode.
Status make_private(const std::filesystem::path& path) {
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (made < 0) {
        return fail(
            Errc::unavailable,
            "cannot open the database \"" + path.string() +
                "\": " + std::generic_category().message(errno)
        );
    }
    ::close(made);
    return {};
}

Status bring_up_to_date(
    SqliteDialect& dialect, std::span<const sql::Migration> steps, bool migrates, Timestamp now
) {
    try {
        const auto connection = dialect.connect();
        *connection << "BEGIN IMMEDIATE";
        SqliteMigrationTarget target{*connection, dialect};
        const auto version =
            migrates ? sql::migrate(target, steps, now) : sql::require_current(target, steps);
        if (!version) {
            // closing the connection rolls back
            return fail(version.error());
        }
        *connection << "COMMIT";
        return {};
    } catch (const std::exception& thrown) {
        return fail(dialect.describe(thrown));
    }
}

}  // namespace

std::span<const sql::Migration> migrations() {
    return kMigrations;
}

Result<std::unique_ptr<sql::Database>> open_database(
    const StorageHost& host,
    const std::filesystem::path& path,
    std::span<const sql::Migration> steps,
    bool migrates
) {
    if (!migrates && !std::filesystem::exists(path)) {
        return fail(Errc::unsupported, "there is no database \"" + path.string() + "\" yet");
    }
    auto lock = FileLock::take(path);
    if (!lock) {
        return fail(std::move(lock.error()));
    }
    if (auto made = make_private(path); !made) {
        return fail(std::move(made.error()));
    }
    auto dialect = std::make_unique<SqliteDialect>(path, std::move(*lock));
    if (auto ready = bring_up_to_date(*dialect, steps, migrates, host.clock.now()); !ready) {
        return fail(within("open \"" + path.string() + "\"", std::move(ready.error())));
    }
    auto table = statements();
    if (!table) {
        return fail(std::move(table.error()));
    }
    table->report_to(host);
    auto database = std::make_unique<sql::Database>(
        host.clock, std::move(dialect), std::move(*table), sql::PoolSizes{}
    );
    return database;
}

Result<std::unique_ptr<Storage>> open_sqlite(
    const StorageHost& host, const std::string& config_json
) {
    const auto config = nlohmann::json::parse(config_json);
    auto path = settled(config.value("path", std::string{"./opslab.db"}));
    if (!path) {
        return fail(std::move(path.error()));
    }
    const bool migrates = config.value("migrations", std::string{"auto"}) == "auto";
    auto database = open_database(host, *path, migrations(), migrates);
    if (!database) {
        return fail(std::move(database.error()));
    }
    return sql::make_sql_storage(
        host,
        std::move(*database),
        StorageInfo{
            .name = "sqlite",
            .location = path->string(),
            .schema_version = migrations().back().number}
    );
}

}  // namespace opslab::sqlite
