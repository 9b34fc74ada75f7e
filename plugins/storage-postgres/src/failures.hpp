#pragma once

#include <opslab/error.hpp>
#include <opslab/sql/database.hpp>

#include <exception>
#include <string>

namespace opslab::postgres {

/// What a failure means, by its SQLSTATE. `location` names the database in the detail: clients
/// see the message. Neither SQL nor values are in it: SOCI's own text holds both.
[[nodiscard]] Error describe_failure(const std::exception& thrown, const std::string& location);

[[nodiscard]] sql::Trouble trouble_of(const std::exception& thrown);

}  // namespace opslab::postgres
