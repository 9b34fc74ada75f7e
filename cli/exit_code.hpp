#pragma once

#include <string_view>

/// What `opslab` says to the shell when it ends. Scripts rely on these: docs/cli.md lists them, the
/// help of the program ends with `kExitCodeHelp`, and neither may change within a major version.
namespace opslab::cli {

enum class ExitCode : int {
    ok = 0,              ///< done; of `watch`: the task completed and was successful
    refused = 1,         ///< the coordinator refused the call, or something else went wrong
    usage = 2,           ///< the command line or a configuration file is wrong
    not_successful = 3,  ///< the task completed, and its result says success: false
    failed = 4,          ///< the task failed or timed out
    cancelled = 5,       ///< the task was cancelled
    unreachable = 6,     ///< no answer from the coordinator, or it answered 5xx
};

inline constexpr std::string_view kExitCodeHelp =
    "Exit codes:\n"
    "  0  done; with watch: the task completed and was successful\n"
    "  1  the coordinator refused the call (not found, conflict, invalid), or another failure\n"
    "  2  the command line or a configuration file is wrong\n"
    "  3  with watch: the task completed, but its result says success: false\n"
    "  4  with watch: the task failed or timed out\n"
    "  5  with watch: the task was cancelled\n"
    "  6  the coordinator cannot be reached, or cannot answer now\n";

}  // namespace opslab::cli
