#pragma once

#include "worker/backoff.hpp"

#include <opslab/time.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace opslab {

/// Ends a worker's claims while runs cannot be started where it starts them (a circuit breaker):
/// without it the worker would take one waiting task after the other and fail each. It opens after
/// five starts in a row that failed, or at once where the place itself says that it is out of
/// order. After a pause, which grows from 1 s to 5 s, one task alone is tried; the first start
/// that works closes it. Threads: one at a time.
class Circuit {
public:
    explicit Circuit(std::string_view who)
        : pauses_(std::chrono::seconds{1}, std::chrono::seconds{5}, who) {}

    void start_worked() {
        failures_ = 0;
        on_trial_ = false;
        until_.reset();
        pauses_.reset();
    }

    /// `why`: for people.
    void start_failed(SteadyTime now, std::string why) {
        ++failures_;
        on_trial_ = false;
        if (until_ || failures_ >= kMostFailures) {
            open(now, std::move(why));
        }
    }

    /// It was ended before it could tell, or the task itself was at fault.
    void start_told_nothing() { on_trial_ = false; }

    void out_of_order(SteadyTime now, std::string why) { open(now, std::move(why)); }

    /// The next task is a try: no other is claimed until its start has ended.
    void begin_trial() { on_trial_ = until_.has_value(); }

    [[nodiscard]] bool is_open() const { return until_.has_value(); }

    /// How many tasks may be claimed into `free` slots.
    [[nodiscard]] int allowed(SteadyTime now, int free) const {
        if (!until_ || free == 0) {
            return free;
        }
        return on_trial_ || now < *until_ ? 0 : 1;
    }

    /// When `allowed` may change by itself.
    [[nodiscard]] SteadyTime next_change() const {
        return until_ && !on_trial_ ? *until_ : SteadyTime::max();
    }

    /// Why nothing is claimed; none where the next task would be.
    [[nodiscard]] std::optional<std::string> why_not(SteadyTime now) const {
        return allowed(now, 1) == 0 ? std::optional{why_} : std::nullopt;
    }

private:
    static constexpr int kMostFailures = 5;

    void open(SteadyTime now, std::string why) {
        until_ = now + pauses_.next();
        why_ = std::move(why);
    }

    Backoff pauses_;
    int failures_ = 0;  // in a row
    bool on_trial_ = false;
    std::optional<SteadyTime> until_{};  // none: closed
    std::string why_{};
};

}  // namespace opslab
