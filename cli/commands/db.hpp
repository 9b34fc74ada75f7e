#pragma once

#include "commands/command.hpp"

namespace opslab::cli {

/// `migrate` and `status`.
void add_db(CLI::App& db, Chosen& chosen);

}  // namespace opslab::cli
