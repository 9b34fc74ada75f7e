#include "daemon/direct_port.hpp"

#include <utility>

namespace opslab {

Result<Worker> DirectPort::enroll(const NewWorker& worker) {
    {
        const std::lock_guard lock(mutex_);
        released_.erase(worker.id);
    }
    return workers_.enroll(worker, Takeover::succeed);
}

Result<HeartbeatReceipt> DirectPort::heartbeat(const Heartbeat& beat) {
    return await_reply<HeartbeatReceipt>([&](auto reply) {
        workers_.heartbeat(beat, std::move(reply));
    });
}

Result<std::vector<ClaimedTask>> DirectPort::claim(const ClaimRequest& request, Duration wait) {
    return await_reply<std::vector<ClaimedTask>>([&](auto reply) {
        // under the lock, so that a release comes either before this or finds the claim waiting
        const std::lock_guard lock(mutex_);
        if (released_.contains(request.worker)) {
            reply(std::vector<ClaimedTask>{});
            return;
        }
        workers_.claim(request, wait, std::move(reply));
    });
}

Result<ReportReceipt> DirectPort::report(const EventReport& report) {
    return await_reply<ReportReceipt>([&](auto reply) { workers_.record(report, std::move(reply)); }
    );
}

Result<Task> DirectPort::finish(const AttemptEnd& end) {
    return await_reply<Task>([&](auto reply) { workers_.finish(end, std::move(reply)); });
}

Result<std::vector<RunningAttempt>> DirectPort::running(const WorkerId& worker) {
    return workers_.running(worker);
}

Status DirectPort::retire(const WorkerId& worker) {
    return workers_.retire(worker);
}

void DirectPort::release(const WorkerId& worker) {
    const std::lock_guard lock(mutex_);
    released_.insert(worker);
    workers_.desk().release(worker);
}

void DirectPort::on_orders(const WorkerId& worker, std::function<void()> look) {
    // subscriptions end outside the lock: ending waits for a listener under way
    ChangeHub::Subscription subscription;
    if (look) {
        subscription = workers_.changes().on_worker_should_look(worker, std::move(look));
    }
    const std::lock_guard lock(mutex_);
    std::swap(orders_[worker], subscription);
}

}  // namespace opslab
