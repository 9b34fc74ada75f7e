#pragma once

#include <opslab/runner.hpp>
#include <opslab/task.hpp>

#include <string>

namespace opslab {

/// How a failed call of the runner counts in the outcome algebra. Its message names the runner.
[[nodiscard]] Failure failure_of(const RunnerError& error, std::string phase);

/// How an exit counts that came with neither result nor error. `runner` is how messages name it.
[[nodiscard]] Failure failure_of(const RunEnd& end, std::string phase, const std::string& runner);

/// `message` for people, with the last lines of stderr where there are some.
[[nodiscard]] std::string with_tail(const std::string& message, const std::string& tail);

}  // namespace opslab
