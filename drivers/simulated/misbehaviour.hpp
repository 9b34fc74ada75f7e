#pragma once

#include "reporter.hpp"
#include "task.hpp"

#include <string_view>

namespace simulated {

/// Whether SIGTERM has come; waits up to `ms` for it (-1: for ever). The signal is blocked
/// otherwise, so it is seen here or nowhere.
[[nodiscard]] bool wait_for_sigterm(int ms);

/// Blocks SIGTERM for `wait_for_sigterm`, or ignores it for good.
void set_up_sigterm(bool is_ignored);

enum class After {
    go_on,      ///< play the rest as if nothing had happened
    end_now,    ///< end with the script's exit code, without a result
    terminate,  ///< SIGTERM has come
};

/// What a mode does once the incident is under way (after the first step). Some modes never return.
[[nodiscard]] After misbehave(const Task& task, Reporter& reporter);

}  // namespace simulated
