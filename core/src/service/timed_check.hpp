#pragma once

#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/time.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace opslab {

/// `Runner::check` for callers that cannot wait for a plugin: on a thread of its own, one call at a
/// time, given up when a deadline comes. Threads: all calls from any.
class TimedCheck {
public:
    /// For so long nobody is made to wait for a runner again that did not answer in time.
    static constexpr Duration kPause = std::chrono::minutes{1};

    /// `runner` must not throw (it is a guarded one) and outlives this.
    TimedCheck(std::string name, Runner& runner, Clock& clock, Logger& logger)
        : name_(std::move(name)), runner_(runner), clock_(clock), logger_(logger) {}
    TimedCheck(const TimedCheck&) = delete;
    TimedCheck& operator=(const TimedCheck&) = delete;
    /// Waits for a call under way: a plugin cannot be torn out of one.
    ~TimedCheck();

    /// What the runner says of each of `tasks`, in order; nothing of those that it was not done
    /// with at `deadline`.
    [[nodiscard]] std::vector<std::optional<RunnerStatus>> ask(
        std::vector<TaskSpec> tasks, SteadyTime deadline
    );

private:
    struct Round {
        std::vector<TaskSpec> tasks{};
        std::vector<std::optional<RunnerStatus>> answers{};
        bool is_given_up = false;
        bool is_done = false;
    };
    void work();
    void answer(std::unique_lock<std::mutex>& lock, Round& round);

    const std::string name_;
    Runner& runner_;
    Clock& clock_;
    Logger& logger_;
    std::mutex mutex_{};
    std::condition_variable given_{};
    std::condition_variable answered_{};
    std::deque<std::shared_ptr<Round>> rounds_{};
    std::optional<SteadyTime> paused_until_{};
    bool is_stopping_ = false;
    std::thread thread_{};  // from the first question on
};

}  // namespace opslab
