#pragma once

#include "commands/command_tree.hpp"

#include <string>

namespace opslab::cli {

/// Scripts that complete `opslab` in each shell: verbs, options, the values that an option allows,
/// and files where it takes one. They need nothing but the shell.
[[nodiscard]] std::string bash_completion(const CommandEntry& root);
[[nodiscard]] std::string zsh_completion(const CommandEntry& root);
[[nodiscard]] std::string fish_completion(const CommandEntry& root);

}  // namespace opslab::cli
