#include "postgres_migrations.hpp"

#include "failures.hpp"

#include <opslab/storage.hpp>

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <string_view>

namespace opslab::postgres {

namespace {

constexpr int kOldestServer = 140000;

PGconn* handle_of(soci::session& connection) {
    return static_cast<soci::postgresql_session_backend*>(connection.get_backend())->conn_;
}

Status check_server(PGconn* handle) {
    if (PQserverVersion(handle) < kOldestServer) {
        return fail(Errc::unsupported, "the PostgreSQL server is older than version 14");
    }
    const char* encoding = PQparameterStatus(handle, "server_encoding");
    if (encoding == nullptr || std::string_view{encoding} != "UTF8") {
        return fail(
            Errc::unsupported, "the database's encoding is not UTF8: make it with ENCODING 'UTF8'"
        );
    }
    return {};
}

class Target final : public sql::MigrationTarget {
public:
    Target(soci::session& connection, const PostgresDialect& dialect)
        : connection_(connection), dialect_(dialect) {}

    Result<std::vector<sql::AppliedMigration>> applied() override {
        try {
            sql::AppliedMigration row;
            std::vector<sql::AppliedMigration> all;
            // only looking makes nothing
            int is_there = 0;
            connection_ << "SELECT count(to_regclass('schema_migrations'))::int",
                soci::into(is_there);
            if (is_there == 0) {
                return all;
            }
            soci::statement read =
                (connection_.prepare << "SELECT number::int, name, checksum FROM "
                                        "schema_migrations ORDER BY number",
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

    // Through the native handle: SOCI would read a `:` in the text as a parameter.
    Status apply(const sql::Migration& migration, const std::string& checksum, Timestamp now)
        override {
        try {
            if (migration.number == 1) {
                connection_
                    << "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT NOT "
                       "NULL CONSTRAINT schema_migrations_pk PRIMARY KEY, name TEXT NOT NULL, "
                       "checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
            }
            const std::string text{migration.text};
            const std::unique_ptr<PGresult, decltype(&PQclear)> done{
                PQexec(handle_of(connection_), text.c_str()), &PQclear};
            const auto status = PQresultStatus(done.get());
            if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
                const char* state = PQresultErrorField(done.get(), PG_DIAG_SQLSTATE);
                throw soci::postgresql_soci_error("migration", state == nullptr ? "     " : state);
            }
            const int number = migration.number;
            const std::string name{migration.name};
            const long long at = to_micros(now);
            soci::statement note =
                (connection_.prepare << "INSERT INTO schema_migrations (number, name, checksum, "
                                        "applied_at) VALUES (:number::bigint, :name::text, "
                                        ":checksum::text, :at::bigint)",
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

private:
    soci::session& connection_;
    const PostgresDialect& dialect_;
};

}  // namespace

Status bring_up_to_date(
    PostgresDialect& dialect, std::span<const sql::Migration> steps, bool migrates, Timestamp now
) {
    try {
        const auto connection = dialect.connect();
        if (auto good = check_server(handle_of(*connection)); !good) {
            return good;
        }
        *connection << "BEGIN";
        // a migration of a large table, another's included, takes its time
        *connection << "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '600s'";
        *connection << "SELECT pg_advisory_xact_lock(hashtext('opslab migrations'), "
                       "hashtext(current_schema()))";
        Target target{*connection, dialect};
        const auto version =
            migrates ? sql::migrate(target, steps, now) : sql::require_current(target, steps);
        if (!version) {
            // closing the connection rolls back
            return fail(version.error());
        }
        *connection << "COMMIT";
        return {};
    } catch (const std::exception& thrown) {
        auto error = dialect.describe(thrown);
        if (trouble_of(thrown) == sql::Trouble::disconnected && !dialect.server_answers()) {
            error.reason = kStorageAway;
        }
        return fail(std::move(error));
    }
}

}  // namespace opslab::postgres
