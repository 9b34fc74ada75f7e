#pragma once

#include "settings.hpp"

#include <opslab/runner.hpp>

#include <optional>
#include <string>
#include <vector>

namespace opslab::runner_kind {

/// Is there room on this machine for one more cluster? Fails: `infrastructure` with what lacks and
/// what to do.
[[nodiscard]] RunnerStatus check_room(const HostNeeds& needs, const std::string& state_dir);

/// Kernel limits that many nodes run into, each with the command that raises it; empty: fine.
[[nodiscard]] std::vector<std::string> low_limits();

/// Memory and disk that are free, how many clusters the memory may be enough for, and the kernel's
/// limits, for people.
[[nodiscard]] std::string host_text(const std::string& state_dir);

/// What to do where the engine may have no addresses left for `network`; nothing where it is fine.
[[nodiscard]] std::optional<std::string> address_advice(
    const std::vector<std::string>& networks, const std::string& network
);

}  // namespace opslab::runner_kind
