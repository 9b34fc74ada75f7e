#pragma once

#include "commands/command_tree.hpp"

#include <string>
#include <vector>

namespace opslab::cli {

struct ManPage {
    std::string file{};  ///< `opslab-task-submit.1`
    std::string text{};  ///< for man(7)
};

/// A page for the program and one for each command under it, section 1. `version` stands in their
/// feet.
[[nodiscard]] std::vector<ManPage> man_pages(const CommandEntry& root, const std::string& version);

}  // namespace opslab::cli
