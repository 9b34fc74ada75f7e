#pragma once

#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>

namespace opslab::daemon {

/// The signals that end a process, blocked in every thread and taken by one `wait`. Made on the
/// main thread before any other thread exists.
class StopSignals {
public:
    StopSignals() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        // a client or a driver that goes away is an error of that write, not our end
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &ignore, nullptr);
    }

    [[nodiscard]] int wait() const {
        int signal = 0;
        sigwait(&set_, &signal);
        return signal;
    }

    /// As `wait`, but no longer than this: then nothing.
    [[nodiscard]] std::optional<int> wait_for(std::chrono::microseconds longest) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
        const timespec limit{
            .tv_sec = seconds.count(),
            .tv_nsec = std::chrono::nanoseconds(longest - seconds).count()};
        const int signal = sigtimedwait(&set_, nullptr, &limit);
        return signal > 0 ? std::optional{signal} : std::nullopt;
    }

    /// A second signal ends the process at once: what was acknowledged is safe on the disk.
    void let_through() const { pthread_sigmask(SIG_UNBLOCK, &set_, nullptr); }

private:
    sigset_t set_{};
};

}  // namespace opslab::daemon
