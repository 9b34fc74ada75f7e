#include "postgres_storage.hpp"

#include "0001_initial_sql.hpp"
#include "0002_task_origin_sql.hpp"
#include "0003_scale_sql.hpp"
#include "0004_circuit_open_sql.hpp"
#include "attempt_sql.hpp"
#include "event_sql.hpp"
#include "postgres_dialect.hpp"
#include "postgres_migrations.hpp"
#include "service_sql.hpp"
#include "task_page_sql.hpp"
#include "task_sql.hpp"
#include "worker_sql.hpp"

#include <opslab/sql/sql_storage.hpp>

#include <array>

namespace opslab::postgres {

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

}  // namespace

std::span<const sql::Migration> migrations() {
    return kMigrations;
}

Result<std::unique_ptr<sql::Database>> open_database(
    const StorageHost& host,
    const Settings& settings,
    std::span<const sql::Migration> steps,
    std::shared_ptr<WakeChannel> wake
) {
    auto dialect = std::make_unique<PostgresDialect>(settings, std::move(wake));
    if (auto ready = bring_up_to_date(*dialect, steps, settings.migrates, host.clock.now());
        !ready) {
        return fail(std::move(ready.error()));
    }
    auto table = statements();
    if (!table) {
        return fail(std::move(table.error()));
    }
    table->report_to(host);
    const int readers = settings.pool_size / 2;
    return std::make_unique<sql::Database>(
        host.clock,
        std::move(dialect),
        std::move(*table),
        sql::PoolSizes{.readers = readers, .writers = settings.pool_size - readers}
    );
}

Result<std::unique_ptr<Storage>> open_postgres(
    const StorageHost& host, const std::string& config_json
) {
    auto settings = read_settings(config_json);
    if (!settings) {
        return fail(std::move(settings.error()));
    }
    auto wake = std::make_shared<WakeChannel>(settings->conninfo, host.logger);
    auto database = open_database(host, *settings, migrations(), wake);
    if (!database) {
        return fail(std::move(database.error()));
    }
    return sql::make_sql_storage(
        host,
        std::move(*database),
        StorageInfo{
            .name = "postgres",
            .location = settings->location,
            .schema_version = migrations().back().number},
        std::move(wake)
    );
}

}  // namespace opslab::postgres
