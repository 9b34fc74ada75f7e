#include "postgres_dialect.hpp"

#include "failures.hpp"

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

namespace opslab::postgres {

namespace {

// Counters are added up by shard. Each session holds one as long as it lives, so that no two wait
// for each other's counters; with more than 256 sessions some share.
constexpr const char* kTakeShard =
    "SELECT set_config('opslab.shard', coalesce((SELECT n FROM generate_series(0, 255) n WHERE "
    "pg_try_advisory_lock(hashtext('opslab shard ' || current_schema()), n) LIMIT 1), "
    "pg_backend_pid() % 256)::text, false)";

}  // namespace

std::unique_ptr<soci::session> PostgresDialect::connect() {
    auto connection = std::make_unique<soci::session>(soci::postgresql, settings_.conninfo);
    const auto limit = std::to_string(settings_.statement_timeout.count());
    // plans with the values: a list's filters that are null then cost nothing
    *connection << "SET statement_timeout = '" + limit + "s'; SET lock_timeout = '" + limit +
                       "s'; SET idle_in_transaction_session_timeout = '60s'; "
                       "SET plan_cache_mode = force_custom_plan; SET jit = off; "
                       "SET standard_conforming_strings = on";
    // an acknowledged task must survive, whatever the server's default is
    *connection << "SELECT set_config('synchronous_commit', 'on', false) WHERE "
                   "current_setting('synchronous_commit') = 'off'";
    *connection << kTakeShard;
    return connection;
}

bool PostgresDialect::server_answers() const {
    return PQping(settings_.conninfo.c_str()) == PQPING_OK;
}

void PostgresDialect::committed(const sql::Touched& touched) noexcept {
    if (wake_ != nullptr) {
        wake_->tell(touched);
    }
}

Error PostgresDialect::describe(const std::exception& thrown) const {
    return describe_failure(thrown, settings_.location);
}

sql::Trouble PostgresDialect::trouble(const std::exception& thrown) const {
    return trouble_of(thrown);
}

}  // namespace opslab::postgres
