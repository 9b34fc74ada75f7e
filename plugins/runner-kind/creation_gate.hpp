#pragma once

#include <opslab/runner.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

namespace opslab::runner_kind {

/// Bounds the creations under way, and pauses them when they fail one after the other (a circuit
/// breaker), so that many slots on a sick machine do not make it sicker. Threads: any.
class CreationGate {
public:
    struct Limits {
        int parallel = 2;
        int failures = 5;
        std::chrono::milliseconds pause{60'000};
    };

    explicit CreationGate(Limits limits) : limits_(limits) {}

    /// Waits for its turn. After success `leave` must follow.
    /// Fails: `infrastructure` during a pause, `interrupted` once the gate is closed.
    [[nodiscard]] RunnerStatus enter();

    /// Tells how it went; what was interrupted counts as neither.
    void leave(const RunnerStatus& outcome);

    /// Nobody enters any more.
    void close();

    /// Why creations pause, for people; empty: they do not.
    [[nodiscard]] std::string pause_reason() const;

private:
    [[nodiscard]] std::string reason() const;

    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    Limits limits_;
    int under_way_ = 0;
    int failures_ = 0;  // in a row
    bool is_closed_ = false;
    std::string last_failure_{};
    std::chrono::steady_clock::time_point next_trial_{};
};

}  // namespace opslab::runner_kind
