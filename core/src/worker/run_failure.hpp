#pragma once

#include <opslab/runner.hpp>
#include <opslab/task.hpp>

#include <string>

namespace opslab {

/// How a failed check, prepare or start of the runner counts in the outcome algebra. Its message
/// names the runner.
[[nodiscard]] Failure failure_of(const RunnerError& error, std::string phase);

/// How a failed wait counts, of a run that had begun: never as the task's, unless the runner says
/// so. `is_inherited`: a predecessor of this worker had started it.
[[nodiscard]] Failure failure_of_wait(
    const RunnerError& error, std::string phase, bool is_inherited
);

/// How an exit counts that came with neither result nor error. `runner` is how messages name it;
/// `has_spoken`: the driver may have sent an event before.
[[nodiscard]] Failure failure_of(
    const RunEnd& end, std::string phase, const std::string& runner, bool has_spoken
);

/// `message` for people, with the last lines of stderr where there are some.
[[nodiscard]] std::string with_tail(const std::string& message, const std::string& tail);

}  // namespace opslab
