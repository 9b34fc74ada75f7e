#include "worker/run_failure.hpp"

#include <fmt/format.h>

#include <utility>

namespace opslab {

namespace {

/// By what shells, `env` and the small inits of containers say that a program is not there (127) or
/// cannot be executed (126). A driver that runs says something before it exits with either.
bool was_never_run(const RunEnd& end, bool has_spoken) {
    constexpr int kNotExecutable = 126;
    constexpr int kNotFound = 127;
    return end.how == EndKind::exited && !has_spoken &&
           (end.code == kNotExecutable || end.code == kNotFound);
}

}  // namespace

Failure failure_of(const RunnerError& error, std::string phase) {
    const bool task = error.code == RunnerErrc::task || error.code == RunnerErrc::invalid ||
                      error.code == RunnerErrc::unsupported;
    return {
        .kind = task ? FailureKind::task : FailureKind::infrastructure,
        .phase = std::move(phase),
        .message = error.message,
    };
}

Failure failure_of_wait(const RunnerError& error, std::string phase, bool is_inherited) {
    const bool is_gone = error.code == RunnerErrc::not_found;
    const auto others =
        error.code == RunnerErrc::task ? FailureKind::task : FailureKind::infrastructure;
    const char* how = is_inherited ? "; the run did not outlive its worker"
                                   : "; somebody else than opslab has removed it";
    return {
        .kind = is_gone && is_inherited ? FailureKind::worker_lost : others,
        .phase = std::move(phase),
        .message = error.message + (is_gone ? how : "")};
}

Failure failure_of(
    const RunEnd& end, std::string phase, const std::string& runner, bool has_spoken
) {
    if (was_never_run(end, has_spoken)) {
        return {
            .kind = FailureKind::infrastructure,
            .phase = std::move(phase),
            .message = fmt::format(
                "{}: the driver could not be run: it exited with status {} and without a word, as "
                "where a program is not there or is not for this machine",
                runner,
                end.code
            )};
    }
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
