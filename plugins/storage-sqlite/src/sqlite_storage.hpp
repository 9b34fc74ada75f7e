#pragma once

#include <opslab/sql/migrations.hpp>
#include <opslab/storage.hpp>

#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace opslab::sql {
class Database;
}

namespace opslab::sqlite {

/// The released migrations, in order.
[[nodiscard]] std::span<const sql::Migration> migrations();

/// Opens the file (made with mode 0600 where it is not there), locks it for this process and brings
/// its schema up to date. Errors: `conflict` (another process has it), `invalid_argument` (the
/// path), `unavailable`, `unsupported` (a newer or changed schema).
[[nodiscard]] Result<std::unique_ptr<sql::Database>> open_database(
    const StorageHost& host,
    const std::filesystem::path& path,
    std::span<const sql::Migration> steps,
    bool migrates = true
);

/// The plugin's create function. `config_json`: `{"path": …}`.
[[nodiscard]] Result<std::unique_ptr<Storage>> open_sqlite(
    const StorageHost& host, const std::string& config_json
);

}  // namespace opslab::sqlite
