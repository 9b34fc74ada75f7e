#pragma once

#include <opslab/storage.hpp>

#include <functional>
#include <vector>

namespace opslab {

/// A worker's whole view of the coordinator. The loop is written against this, so that the same
/// loop runs inside `serve` (calls of the services) and elsewhere (REST).
/// Threads: all calls from any. Errors: `unavailable` and `timeout` mean "try again".
class WorkerPort {
public:
    WorkerPort() = default;
    WorkerPort(const WorkerPort&) = delete;
    WorkerPort& operator=(const WorkerPort&) = delete;
    virtual ~WorkerPort() = default;

    [[nodiscard]] virtual Result<Worker> enroll(const NewWorker& worker) = 0;
    [[nodiscard]] virtual Result<HeartbeatReceipt> heartbeat(const Heartbeat& beat) = 0;
    /// Waits for at most `wait`; `release` ends the wait.
    [[nodiscard]] virtual Result<std::vector<ClaimedTask>> claim(
        const ClaimRequest& request, Duration wait
    ) = 0;
    [[nodiscard]] virtual Result<ReportReceipt> report(const EventReport& report) = 0;
    [[nodiscard]] virtual Result<Task> finish(const AttemptEnd& end) = 0;
    /// What a predecessor of this id left running.
    [[nodiscard]] virtual Result<std::vector<RunningAttempt>> running(const WorkerId& worker) = 0;
    [[nodiscard]] virtual Status retire(const WorkerId& worker) = 0;
    /// Ends a `claim` under way; later ones get nothing at once, until the next `enroll`.
    virtual void release(const WorkerId& worker) = 0;
    /// Calls `look` when the worker should send a heartbeat now (something was cancelled); null
    /// ends it, and after that no call is under way. May never call.
    virtual void on_orders(const WorkerId& worker, std::function<void()> look) = 0;
};

}  // namespace opslab
