#pragma once

#include "file_lock.hpp"

#include <opslab/sql/database.hpp>
#include <opslab/sql/migrations.hpp>

#include <filesystem>
#include <string>

namespace opslab::sqlite {

/// What is SQLite's own: how a session is set up and what its failures mean.
class SqliteDialect final : public sql::Dialect {
public:
    SqliteDialect(std::filesystem::path path, FileLock lock)
        : lock_(std::move(lock)), path_(std::move(path)) {}

    [[nodiscard]] std::unique_ptr<soci::session> connect() override;
    [[nodiscard]] Error describe(const std::exception& thrown) const override;
    [[nodiscard]] std::string begin_read() const override { return "BEGIN"; }

    /// A deferred transaction that reads and then writes is refused at once where another wrote.
    [[nodiscard]] std::string begin_write() const override { return "BEGIN IMMEDIATE"; }

private:
    FileLock lock_;
    std::filesystem::path path_;
};

/// Migrations through the native handle: SOCI runs only the first statement of a text.
class SqliteMigrationTarget final : public sql::MigrationTarget {
public:
    SqliteMigrationTarget(soci::session& connection, const SqliteDialect& dialect)
        : connection_(connection), dialect_(dialect) {}

    [[nodiscard]] Result<std::vector<sql::AppliedMigration>> applied() override;
    [[nodiscard]] Status apply(
        const sql::Migration& migration, const std::string& checksum, Timestamp now
    ) override;

private:
    soci::session& connection_;
    const SqliteDialect& dialect_;
};

}  // namespace opslab::sqlite
