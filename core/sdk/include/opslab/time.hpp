#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

/// Time and randomness come in through constructors, so that every part can be tested with
/// a clock that stands still. No code outside `base/system_clock.cpp` reads the machine's clock.
namespace opslab {

using Duration = std::chrono::microseconds;

/// A point of UTC time in microseconds: stored as BIGINT, shown as RFC 3339.
using Timestamp = std::chrono::sys_time<Duration>;

/// A point of monotonic time, for durations and waiting; never stored, never shown.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

[[nodiscard]] inline std::int64_t to_micros(Timestamp at) {
    return at.time_since_epoch().count();
}

[[nodiscard]] inline Timestamp from_micros(std::int64_t micros) {
    return Timestamp{Duration{micros}};
}

/// The only source of time. Threads: all calls are safe from any thread.
class Clock {
public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    /// UTC now. May jump when the machine's clock is set.
    [[nodiscard]] virtual Timestamp now() const = 0;

    /// Monotonic now. Never goes back.
    [[nodiscard]] virtual SteadyTime steady() const = 0;

    /// Waits on `wake` until it is notified or `deadline` has come, like
    /// `condition_variable::wait_until`. May return early for no reason: callers check again.
    /// `lock` must be held; it is released while waiting and held again on return.
    virtual void wait_until(
        std::unique_lock<std::mutex>& lock, std::condition_variable& wake, SteadyTime deadline
    ) = 0;

    /// True where `now()` is the machine's own time, so that a database may use its own clock
    /// instead (two coordinators must not steal leases because their clocks differ). A test's
    /// clock answers false, and then its time is what counts.
    [[nodiscard]] virtual bool is_system() const = 0;
};

/// The only source of randomness (ids, jitter, event prefixes). Threads: safe from any thread.
class Entropy {
public:
    Entropy() = default;
    Entropy(const Entropy&) = delete;
    Entropy& operator=(const Entropy&) = delete;
    virtual ~Entropy() = default;

    /// 64 unpredictable bits (cryptographic strength in production).
    [[nodiscard]] virtual std::uint64_t next() = 0;
};

}  // namespace opslab
