#pragma once

#include "worker/lease.hpp"
#include "worker/port.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace opslab {

/// Sends one attempt's events to the coordinator, in order, batched: what arrives while a report is
/// under way goes into the next one. Bounded: `push` blocks while the buffer is full, and so slows
/// the driver down. While the coordinator is away it tries again for as long as it takes; a report
/// whose answer was lost is sent again under the same numbers, so that nothing is stored twice.
/// Reports renew the lease; where there is nothing to report for a while, an empty one does. (A
/// heartbeat does not count: its answer does not tell of an attempt that was lost before it.)
class Reporter {
public:
    struct Limits {
        std::size_t events = kMaxEventsPerReport;
        std::size_t bytes = std::size_t{4} << 20U;
    };
    /// Told once, from the sender's thread, that the attempt is no longer this worker's, or that
    /// the coordinator refuses what is sent (`refusal`).
    using OnLost = std::function<void()>;

    Reporter(
        WorkerPort& port,
        Clock& clock,
        Logger& logger,
        EventReport heading,
        std::int64_t last_seq,
        Limits limits,
        Lease& lease,
        OnLost on_lost
    );
    Reporter(const Reporter&) = delete;
    Reporter& operator=(const Reporter&) = delete;
    ~Reporter();

    /// False where the attempt is lost or `close` was called: nothing more is wanted.
    bool push(RunEvent event);

    /// The number of the last event pushed: its place in the task's history.
    [[nodiscard]] std::int64_t last_pushed() const;

    /// What is pushed next has the number after `last_seq`. Before the first push.
    void go_on_after(std::int64_t last_seq);

    /// Goes with the next report: how a successor can pick the run up, and from where.
    void set_handle(std::string handle);

    /// Waits until everything pushed so far is durable. False where it never will be.
    bool flush();

    /// Gives up: nothing more is sent, and a blocked `push` returns.
    void close();

    /// `close`, and the sender has ended. Not from `on_lost`.
    void end();

    [[nodiscard]] bool lost() const;

    /// Why the coordinator takes no events although the attempt is still ours; nothing otherwise.
    [[nodiscard]] std::optional<Error> refusal() const;

private:
    void run();
    [[nodiscard]] Status send(const EventReport& report);
    [[nodiscard]] EventReport take_batch();

    WorkerPort& port_;
    Clock& clock_;
    Logger& logger_;
    EventReport heading_;  // task, attempt, worker; no events
    Limits limits_;
    Lease& lease_;
    OnLost on_lost_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;   // the sender has work
    std::condition_variable moved_;  // the sender made progress
    std::deque<RunEvent> buffer_;
    std::size_t buffered_bytes_ = 0;
    std::int64_t last_pushed_;
    std::optional<std::string> handle_;
    std::optional<Error> refusal_;
    bool sending_ = false;
    bool lost_ = false;
    bool closed_ = false;
    std::thread thread_;  // last: it uses everything above
};

}  // namespace opslab
