#pragma once

#include <opslab/exec/supervised_process.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <string>

namespace opslab::runner_exec {

/// How a program ended, and the end of what it said.
struct Called {
    RunEnd end{};
    std::string last_words{};  ///< of stderr, else of stdout; at most 1 KiB, readable text
};

/// Runs a program to its end; whatever it starts ends with it. Its output is read and all but the
/// end of it dropped, so that no flood stops it or grows. Fails, with nothing of it left:
/// `infrastructure` where it cannot be started or takes longer than `patience`, `interrupted`.
/// Threads: any.
[[nodiscard]] RunnerResult<Called> call_program(
    const exec::ProcessSpec& spec, std::chrono::milliseconds patience, Interrupt interrupt
);

/// The last lines of an output as one line of text that can be shown: no control characters, valid
/// UTF-8, at most 1 KiB.
[[nodiscard]] std::string last_words_of(std::string_view output);

}  // namespace opslab::runner_exec
