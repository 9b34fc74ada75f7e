#pragma once

#include "service/worker_service.hpp"
#include "worker/port.hpp"

#include <map>
#include <mutex>
#include <set>

namespace opslab {

/// The port of embedded workers: calls of the services, in this process.
class DirectPort final : public WorkerPort {
public:
    explicit DirectPort(WorkerService& workers) : workers_(workers) {}

    /// Takes over from a predecessor: it lived in a process that is gone, since this coordinator
    /// owns its embedded workers' ids.
    [[nodiscard]] Result<Worker> enroll(const NewWorker& worker) override;
    [[nodiscard]] Result<HeartbeatReceipt> heartbeat(const Heartbeat& beat) override;
    [[nodiscard]] Result<std::vector<ClaimedTask>> claim(const ClaimRequest& request, Duration wait)
        override;
    [[nodiscard]] Result<ReportReceipt> report(const EventReport& report) override;
    [[nodiscard]] Result<Task> finish(const AttemptEnd& end) override;
    [[nodiscard]] Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override;
    [[nodiscard]] Status retire(const WorkerId& worker) override;
    void release(const WorkerId& worker) override;
    void on_orders(const WorkerId& worker, std::function<void()> look) override;

private:
    WorkerService& workers_;
    std::mutex mutex_;
    std::set<WorkerId> released_;
    std::map<WorkerId, ChangeHub::Subscription> orders_;
};

}  // namespace opslab
