#pragma once

#include "config/settings.hpp"
#include "plugin/plugin_config.hpp"

#include <opslab/error.hpp>

#include <filesystem>
#include <map>
#include <string>

namespace opslab::daemon {

/// A dead man's switch for runs: a small process beside this one that reads until when each run may
/// live (worker/lease_notes.hpp), and ends a run through its runner when nobody renewed its lease,
/// however frozen this process is, and also after its death (a container outlives its worker). It
/// ends by itself when this process has ended and no run is left to be watched.
class LeaseGuard {
public:
    /// A runner as it is opened there, at the first run that must be ended.
    struct Watched {
        plugin::ReadyPlugin plugin;
        std::filesystem::path state_root{};  ///< as in plugin::RunnerHostFacts
    };
    /// By the runner's name.
    using Runners = std::map<std::string, Watched>;

    /// To be called while the process has one thread. `folder` holds a folder of notes for each
    /// worker. Errors: `exhausted` where no process can be made.
    [[nodiscard]] static Result<LeaseGuard> start(
        std::filesystem::path folder, Runners runners, const config::LogSettings& log
    );

    LeaseGuard(LeaseGuard&& other) noexcept;
    LeaseGuard& operator=(LeaseGuard&&) = delete;
    LeaseGuard(const LeaseGuard&) = delete;
    LeaseGuard& operator=(const LeaseGuard&) = delete;
    /// As if this process ended.
    ~LeaseGuard();

private:
    explicit LeaseGuard(int pipe) : pipe_(pipe) {}

    int pipe_;  // its end tells the guard that we are gone
};

}  // namespace opslab::daemon
