#pragma once

#include "connection.hpp"
#include "wake_channel.hpp"

#include <opslab/sql/migrations.hpp>
#include <opslab/storage.hpp>

#include <memory>
#include <span>
#include <string>

namespace opslab::sql {
class Database;
}

namespace opslab::postgres {

/// The released migrations, in order. Their numbers mean the same as in storage-sqlite.
[[nodiscard]] std::span<const sql::Migration> migrations();

/// Connects and brings the schema up to date. Errors: `unavailable`, `permission_denied`,
/// `unsupported` (a newer or changed schema; a server that will not do).
[[nodiscard]] Result<std::unique_ptr<sql::Database>> open_database(
    const StorageHost& host,
    const Settings& settings,
    std::span<const sql::Migration> steps,
    std::shared_ptr<WakeChannel> wake = nullptr
);

/// The plugin's create function. `config_json`: as in config_schema.json.
[[nodiscard]] Result<std::unique_ptr<Storage>> open_postgres(
    const StorageHost& host, const std::string& config_json
);

}  // namespace opslab::postgres
