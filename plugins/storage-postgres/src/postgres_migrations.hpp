#pragma once

#include "postgres_dialect.hpp"

#include <opslab/sql/migrations.hpp>

#include <span>

namespace opslab::postgres {

/// Brings the schema up to date in one transaction; of several that start at once, one does it and
/// the others wait and find it done. Without `migrates` it only looks. Errors: `unsupported` (a
/// newer or changed schema, a server or an encoding that will not do), `unavailable`.
[[nodiscard]] Status bring_up_to_date(
    PostgresDialect& dialect, std::span<const sql::Migration> steps, bool migrates, Timestamp now
);

}  // namespace opslab::postgres
