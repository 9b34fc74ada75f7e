#pragma once

#include <optional>
#include <string>

namespace opslab::daemon {

struct WorkerOptions {
    std::string coordinator{};  ///< its URL
    std::string token_file{};   ///< empty: none
    std::string runner{};       ///< the name of one of `runners` in the configuration
    std::string id{};
    std::optional<std::string> config_file{};
    std::string state_dir{};                  ///< empty: `opslab/ID` of the user's state home
    std::string listen{};                     ///< its own port, or `none`; empty: the setting's
    std::optional<int> max_parallel_tasks{};  ///< else of the `workers` entry of that runner, or 1
};

/// Runs one worker of a coordinator elsewhere until SIGTERM or SIGINT, then drains as `serve` does.
/// The exit code: 0 after a clean stop, 1 where it could not start, 2 for a bad command line or
/// configuration. Messages go to stderr. Call it from the main thread, before any other thread
/// exists: it blocks those signals.
[[nodiscard]] int run_worker(const WorkerOptions& options);

}  // namespace opslab::daemon
