#pragma once

#include <opslab/runner.hpp>

#include <string>

namespace opslab::exec {

/// A fresh word that nobody can guess (128 bits from the kernel): lines of the driver that begin
/// with it are events. One for each attempt, never reused, never logged. Fails: `infrastructure`
/// where the kernel has no randomness.
[[nodiscard]] RunnerResult<std::string> make_event_prefix();

}  // namespace opslab::exec
