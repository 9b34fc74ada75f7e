#pragma once

#include "settings.hpp"

#include <opslab/runner.hpp>

#include <string>
#include <vector>

namespace opslab::runner_kind {

/// Is there room on this machine for one more cluster? Fails: `infrastructure` with what lacks and
/// what to do.
[[nodiscard]] RunnerStatus check_room(const HostNeeds& needs, const std::string& state_dir);

/// Kernel limits that many nodes run into, each with the command that raises it; empty: fine.
[[nodiscard]] std::vector<std::string> low_limits();

}  // namespace opslab::runner_kind
