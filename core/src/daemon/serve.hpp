#pragma once

#include <optional>
#include <string>

namespace opslab::daemon {

struct ServeOptions {
    std::optional<std::string> config_file{};
};

/// Runs a coordinator until SIGTERM or SIGINT, then drains. The exit code: 0 after a clean stop, 1
/// where it could not start or go on, 2 for a bad configuration. Messages go to stderr. Call it
/// from the main thread, before any other thread exists: it blocks those signals.
[[nodiscard]] int serve(const ServeOptions& options);

}  // namespace opslab::daemon
