#pragma once

#include <opslab/runner.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace opslab::exec {

/// What a command left behind.
struct CommandOutcome {
    bool has_succeeded = false;  ///< exit status 0
    std::string out{};           ///< its first MiB
    std::string err{};           ///< its last 8 KiB
};

/// Runs command line tools, each within its own bound on time: at the bound, at an interrupt, and
/// when opslab dies, the command is killed with everything that it started. stdin is /dev/null.
/// Threads: any.
class Commands {
public:
    /// `supervisor`: see installed_supervisor(). `environment` is all that commands get, as
    /// ChildEnvironment::entries() gives it. They start in `directory`.
    Commands(std::string supervisor, std::vector<std::string> environment, std::string directory)
        : supervisor_(std::move(supervisor)),
          environment_(std::move(environment)),
          directory_(std::move(directory)) {}

    /// The same, with one more variable: `NAME=value`. First of all, where kill_marked finds it.
    [[nodiscard]] Commands with_variable(std::string entry) const;

    /// The first word is the program's absolute path; no shell sees the words. Returns when the
    /// command has ended, with nothing of it left. An exit status other than 0 is an outcome.
    /// Fails: `infrastructure` where it cannot be started or took too long, `interrupted`.
    [[nodiscard]] RunnerResult<CommandOutcome> run(
        const std::vector<std::string>& words,
        std::chrono::milliseconds timeout,
        Interrupt interrupt
    ) const;

private:
    std::string supervisor_;
    std::vector<std::string> environment_;
    std::string directory_;
};

}  // namespace opslab::exec
