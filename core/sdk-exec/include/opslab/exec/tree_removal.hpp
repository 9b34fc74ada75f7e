#pragma once

#include <opslab/runner.hpp>

#include <string>

namespace opslab::exec {

/// Removes a directory and all below it, as a hostile program may have left it: links are removed,
/// never followed; any depth is fine (two descriptors and no recursion); directories without
/// permissions are opened first. Idempotent: what is not there is gone.
/// Fails: `infrastructure` naming what would not go (a mount point, a read-only disk).
[[nodiscard]] RunnerStatus remove_tree(const std::string& path);

}  // namespace opslab::exec
