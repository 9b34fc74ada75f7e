#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace opslab::exec {

/// Kills by SIGKILL every process whose environment holds exactly `entry` (`NAME=value`), until a
/// look at all processes finds none. The last resort, for when a run's supervisor was killed and
/// cannot do it: what a process inherited stays with it through fork, setsid and exec. Another
/// process that was given the same pid meanwhile is never hit (each is checked again through a
/// pidfd). Fails: `infrastructure` where they do not die in about ten seconds.
[[nodiscard]] RunnerStatus kill_marked(std::string_view entry);

/// The same for processes whose environment holds any of `entries`, with one look at each.
[[nodiscard]] RunnerStatus kill_all_marked(const std::vector<std::string>& entries);

}  // namespace opslab::exec
