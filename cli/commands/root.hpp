#pragma once

#include "commands/command.hpp"

#include <memory>

namespace opslab::cli {

/// The whole command line: every verb with its options and help. `chosen` must outlive it.
[[nodiscard]] std::shared_ptr<CLI::App> make_root(Chosen& chosen);

/// Parses the command line and runs what it asks for. Gives the process's exit code.
[[nodiscard]] int run_command_line(int argc, const char* const* argv);

}  // namespace opslab::cli
