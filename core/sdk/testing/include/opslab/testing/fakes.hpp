#pragma once

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// Time, randomness and the log as tests want them: standing still, repeatable, remembered.
namespace opslab::testing {

/// A clock that moves only when told. `now()` and `steady()` move in step.
/// Threads: all calls are safe from any thread, but `advance` must not be called while holding a
/// mutex with which some thread waits on this clock.
class FakeClock final : public Clock {
public:
    /// 2026-01-31T08:15:30.123456Z
    static constexpr Timestamp kStart{Duration{1'769'847'330'123'456}};

    explicit FakeClock(Timestamp start = kStart) : now_(start) {}

    [[nodiscard]] Timestamp now() const override {
        const std::scoped_lock guard{mutex_};
        return now_;
    }

    [[nodiscard]] SteadyTime steady() const override {
        const std::scoped_lock guard{mutex_};
        return steady_;
    }

    void wait_until(
        std::unique_lock<std::mutex>& lock, std::condition_variable& wake, SteadyTime deadline
    ) override {
        std::list<Waiter>::iterator self;
        {
            const std::scoped_lock guard{mutex_};
            if (deadline <= steady_) {
                return;
            }
            self = waiters_.insert(waiters_.end(), Waiter{lock.mutex(), &wake, deadline, false});
            changed_.notify_all();
        }
        wake.wait(lock);
        const std::scoped_lock guard{mutex_};
        waiters_.erase(self);
        changed_.notify_all();
    }

    [[nodiscard]] bool is_system() const override { return false; }

    /// Moves time forward and wakes exactly those whose deadline has come. When it returns each of
    /// them has been notified (it may not have run yet).
    void advance(Duration by) {
        std::unique_lock guard{mutex_};
        now_ += by;
        steady_ += by;
        while (!notify_due()) {
            // someone registered and still holds its own mutex on the way into its wait
            guard.unlock();
            std::this_thread::yield();
            guard.lock();
        }
    }

    /// Sets the wall clock alone, as an administrator might; `steady()` does not move.
    void set_wall_clock(Timestamp now) {
        const std::scoped_lock guard{mutex_};
        now_ = now;
    }

    /// Blocks until at least `count` threads wait on this clock for a deadline yet to come.
    void wait_for_waiters(std::size_t count) {
        std::unique_lock guard{mutex_};
        changed_.wait(guard, [&] { return waiting() >= count; });
    }

private:
    struct Waiter {
        std::mutex* mutex;
        std::condition_variable* wake;
        SteadyTime deadline;
        bool notified;
    };

    // A waiter is listed until it has its own mutex and then ours, so its pointers are good here.
    // Taking its mutex proves that it really waits; only trying keeps us free of a deadlock with
    // one that holds its mutex and wants ours.
    bool notify_due() {
        bool all = true;
        for (auto& waiter : waiters_) {
            if (waiter.notified || waiter.deadline > steady_) {
                continue;
            }
            const std::unique_lock theirs{*waiter.mutex, std::try_to_lock};
            if (!theirs.owns_lock()) {
                all = false;
                continue;
            }
            waiter.notified = true;
            waiter.wake->notify_all();
        }
        return all;
    }

    [[nodiscard]] std::size_t waiting() const {
        return static_cast<std::size_t>(std::count_if(
            waiters_.begin(), waiters_.end(), [](const Waiter& waiter) { return !waiter.notified; }
        ));
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Timestamp now_;
    SteadyTime steady_{std::chrono::hours{1}};
    std::list<Waiter> waiters_;
};

/// The same numbers in the same order on every run (SplitMix64).
class FakeEntropy final : public Entropy {
public:
    explicit FakeEntropy(std::uint64_t seed = 1) : state_(seed) {}

    [[nodiscard]] std::uint64_t next() override {
        const std::scoped_lock guard{mutex_};
        state_ += 0x9e3779b97f4a7c15ULL;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebULL;
        return mixed ^ (mixed >> 31U);
    }

private:
    std::mutex mutex_;
    std::uint64_t state_;
};

/// Keeps every line, for tests to look at.
class CapturingLogger final : public Logger {
public:
    struct Line {
        LogLevel level = LogLevel::info;
        std::string message{};
        std::vector<std::pair<std::string, std::string>> fields{};

        [[nodiscard]] std::string field(std::string_view name) const {
            for (const auto& [key, value] : fields) {
                if (key == name) {
                    return value;
                }
            }
            return {};
        }
    };

    void log(
        LogLevel level, std::string_view message, std::span<const LogField> fields
    ) noexcept override {
        Line line{level, std::string{message}, {}};
        for (const auto& field : fields) {
            line.fields.emplace_back(std::string{field.name}, field.value);
        }
        const std::scoped_lock guard{mutex_};
        lines_.push_back(std::move(line));
        changed_.notify_all();
    }

    [[nodiscard]] std::vector<Line> lines() const {
        const std::scoped_lock guard{mutex_};
        return lines_;
    }

    /// Everything as text, to look for what must not be there.
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const auto& line : lines()) {
            all.append(to_string(line.level)).append(" ").append(line.message);
            for (const auto& [name, value] : line.fields) {
                all.append(" ").append(name).append("=").append(value);
            }
            all.append("\n");
        }
        return all;
    }

    [[nodiscard]] bool has(std::string_view message) const {
        const std::scoped_lock guard{mutex_};
        return holds(message);
    }

    /// Blocks until a line with exactly this message was logged.
    void wait_for(std::string_view message) const {
        std::unique_lock guard{mutex_};
        changed_.wait(guard, [&] { return holds(message); });
    }

private:
    [[nodiscard]] bool holds(std::string_view message) const {
        return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
            return line.message == message;
        });
    }

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Line> lines_;
};

}  // namespace opslab::testing
