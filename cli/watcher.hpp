#pragma once

#include "session.hpp"

#include <opslab/time.hpp>

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace opslab::cli {

enum class WatchMode : std::uint8_t {
    everything,  ///< statuses, logs, steps and the end
    logs_only,
};

struct WatchOptions {
    WatchMode mode = WatchMode::everything;
    /// How long to go on trying when the coordinator does not answer.
    std::chrono::seconds patience{60};
    bool name_tasks = false;  ///< begin each line with the task's id: several are watched
};

/// Follows one task's events to its end, over broken connections, without loss or repeat.
class Watcher {
public:
    Watcher(Session& session, Clock& clock, WatchOptions options);
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    ~Watcher();

    /// Watches until the task has ended. Gives the exit code that goes with its end, `refused`
    /// where there is no such task, `unreachable` where patience ran out.
    [[nodiscard]] ExitCode watch(const std::string& task_id);

private:
    struct Progress;
    enum class Round : std::uint8_t { ended, refused, broken };

    Round follow(const std::string& task_id);
    void take(std::string_view type, std::string_view id, std::string_view data);
    void show(std::string_view type, const nlohmann::json& data);
    void show_progress();
    void pause(std::chrono::milliseconds length);
    [[nodiscard]] std::string prefix() const;

    Session& session_;
    Clock& clock_;
    WatchOptions options_;
    std::unique_ptr<Progress> progress_;
};

}  // namespace opslab::cli
