#include "sqlite_dialect.hpp"

#include <opslab/worker.hpp>

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <string_view>

namespace opslab::sqlite {

namespace {

namespace native = sqlite_api;

native::sqlite3* handle_of(soci::session& connection) {
    return static_cast<soci::sqlite3_session_backend*>(connection.get_backend())->conn_;
}

std::string_view text_of(native::sqlite3_value* value) {
    const auto* bytes = native::sqlite3_value_text(value);
    const auto size = native::sqlite3_value_bytes(value);
    return bytes == nullptr
               ? std::string_view{}
               : std::string_view{
                     reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

// SQLite's own GLOB knows [ranges] and counts characters: ours is the one that the contract has.
void opslab_glob(native::sqlite3_context* context, int, native::sqlite3_value** values) {
    const bool matches = glob_match(text_of(values[0]), text_of(values[1]));
    native::sqlite3_result_int(context, matches ? 1 : 0);
}

// SOCI's error text may hold bound values, so only SQLite's own code is told.
Error known_failure(int result, const std::string& path) {
    // clients are shown the text, so the path is for the log alone
    const std::string database = "the database ";
    const auto detail = "\"" + path + "\": sqlite result " + std::to_string(result);
    switch (result) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {Errc::unavailable, database + "is locked by another program", detail};
        case SQLITE_FULL:
            return {Errc::unavailable, database + "cannot grow: the disk is full", detail};
        case SQLITE_CORRUPT:
            return {Errc::unavailable, database + "is damaged", detail};
        case SQLITE_NOTADB:
            return {Errc::unavailable, database + "is not an SQLite file", detail};
        case SQLITE_IOERR:
            return {Errc::unavailable, database + "cannot be read or written", detail};
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return {Errc::unavailable, database + "is read-only", detail};
        case SQLITE_CANTOPEN:
            return {Errc::unavailable, database + "cannot be opened", detail};
        default:
            return {Errc::internal, "the database refused a statement", detail};
    }
}

}  // namespace

std::unique_ptr<soci::session> SqliteDialect::connect() {
    // quoted: SOCI splits its text at blanks. A path with a quote in it was refused before.
    const auto where = "dbname=\"" + path_.string() + "\" timeout=5";
    auto connection = std::make_unique<soci::session>(soci::sqlite3, where);
    auto* handle = handle_of(*connection);
    native::sqlite3_busy_timeout(handle, 5000);
    native::sqlite3_create_function(
        handle,
        "opslab_glob",
        2,
        SQLITE_UTF8 | SQLITE_DETERMINISTIC,
        nullptr,
        &opslab_glob,
        nullptr,
        nullptr
    );
    // each is a setting of the connection, not of the file (all but the first)
    for (const char* pragma :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"}) {
        char* message = nullptr;
        const int result = native::sqlite3_exec(handle, pragma, nullptr, nullptr, &message);
        native::sqlite3_free(message);
        if (result != SQLITE_OK) {
            throw soci::sqlite3_soci_error("set up a session", result);
        }
    }
    return connection;
}

Error SqliteDialect::describe(const std::exception& thrown) const {
    if (const auto* failure = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown)) {
        // the low byte is the kind, whatever the session says about extended codes
        return known_failure(failure->result() & 0xff, path_.string());
    }
    if (dynamic_cast<const soci::soci_error*>(&thrown) != nullptr) {
        return {Errc::unavailable, "the database cannot be used", "\"" + path_.string() + "\""};
    }
    return {Errc::internal, "the storage met what it did not expect", thrown.what()};
}

Result<std::vector<sql::AppliedMigration>> SqliteMigrationTarget::applied() {
    try {
        connection_ << "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT NULL "
                       "CONSTRAINT schema_migrations_pk PRIMARY KEY, name TEXT NOT NULL, checksum "
                       "TEXT NOT NULL, applied_at BIGINT NOT NULL)";
        sql::AppliedMigration row;
        std::vector<sql::AppliedMigration> all;
        soci::statement read =
            (connection_.prepare << "SELECT number, name, checksum FROM schema_migrations ORDER BY "
                                    "number",
             soci::into(row.number),
             soci::into(row.name),
             soci::into(row.checksum));
        for (bool got = read.execute(true); got; got = read.fetch()) {
            all.push_back(row);
        }
        return all;
    } catch (const std::exception& thrown) {
        return fail(dialect_.describe(thrown));
    }
}

Status SqliteMigrationTarget::apply(
    const sql::Migration& migration, const std::string& checksum, Timestamp now
) {
    try {
        const std::string text{migration.text};
        char* message = nullptr;
        const int result =
            native::sqlite3_exec(handle_of(connection_), text.c_str(), nullptr, nullptr, &message);
        const std::string said = message == nullptr ? "" : message;
        native::sqlite3_free(message);
        if (result != SQLITE_OK) {
            throw soci::sqlite3_soci_error(said, result);
        }
        const int number = migration.number;
        const std::string name{migration.name};
        const long long at = to_micros(now);
        soci::statement note =
            (connection_.prepare << "INSERT INTO schema_migrations (number, name, checksum, "
                                    "applied_at) VALUES (:number, :name, :checksum, :at)",
             soci::use(number, "number"),
             soci::use(name, "name"),
             soci::use(checksum, "checksum"),
             soci::use(at, "at"));
        note.execute(true);
        return {};
    } catch (const std::exception& thrown) {
        return fail(dialect_.describe(thrown));
    }
}

}  // namespace opslab::sqlite
