#pragma once

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace opslab::daemon {

/// How long calls into plugins may take to return at the end, beyond the time to drain.
inline constexpr Duration kPluginPatience = std::chrono::seconds{30};

/// Ends the process where it does not end by itself: a call into a plugin that never returns would
/// keep it for ever. Its last log line names the calls that are under way.
class EndLimit {
public:
    /// From now on; `within` is a duration of the process's own clock.
    EndLimit(Logger& logger, Clock& clock, Duration within);
    EndLimit(const EndLimit&) = delete;
    EndLimit& operator=(const EndLimit&) = delete;
    /// The process has come to its end in time.
    ~EndLimit();

private:
    void watch(SteadyTime until);

    Logger& logger_;
    Clock& clock_;
    std::mutex mutex_{};
    std::condition_variable changed_{};
    bool is_over_ = false;
    std::thread thread_{};
};

}  // namespace opslab::daemon
