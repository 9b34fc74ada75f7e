#include "worker/run_failure.hpp"

#include <fmt/format.h>

#include <utility>

namespace opslab {

Failure failure_of(const RunnerError& error, std::string phase) {
    const bool task = error.code == RunnerErrc::task || error.code == RunnerErrc::invalid ||
                      error.code == RunnerErrc::unsupported;
    return {
        .kind = task ? FailureKind::task : FailureKind::infrastructure,
        .phase = std::move(phase),
        .message = error.message,
    };
}

Failure failure_of(const RunEnd& end, std::string phase, const std::string& runner) {
    std::string message;
    switch (end.how) {
        case EndKind::exited:
            message = fmt::format("the driver exited with status {} and gave no result", end.code);
            break;
        case EndKind::signalled:
            message =
                fmt::format("the driver was killed by signal {} and gave no result", end.code);
            break;
        case EndKind::out_of_memory:
            message = "the driver was killed for using more memory than it was given";
            break;
    }
    return {
        .kind = FailureKind::task, .phase = std::move(phase), .message = runner + ": " + message};
}

std::string with_tail(const std::string& message, const std::string& tail) {
    return tail.empty() ? message : message + "\nthe last lines of stderr:\n" + tail;
}

}  // namespace opslab
