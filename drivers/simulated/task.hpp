#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace simulated {

/// The member `simulate` of a task's `agent_config`: what to play.
struct Script {
    std::string mode = "ok";
    std::optional<int> steps{};
    int step_ms = 0;
    std::int64_t lines = 0;  ///< 0: the mode's own default, so for `bytes`
    std::int64_t bytes = 0;
    int exit_code = 0;
    int signal = 0;
    bool hang = false;
    std::optional<bool> success{};
    std::optional<double> reward{};
    std::uint64_t seed = 1;
};

/// OPSLAB_TASK_FILE as far as it matters here.
struct Task {
    std::string task_id{};
    int attempt = 1;
    std::string problem_id{};
    int max_steps = 30;
    std::string event_prefix{};
    std::string text{};  ///< the file as it came, without its event prefix
    Script script{};
};

/// Reads and deletes the file that OPSLAB_TASK_FILE names, before anything else happens, so that
/// nothing that runs later can learn the event prefix. On failure: nothing, with `problem` set.
[[nodiscard]] std::optional<Task> take_task(std::string& problem);

}  // namespace simulated
