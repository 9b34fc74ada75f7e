#include "roles.hpp"
#include "statistics.hpp"

namespace opslab::memory {

namespace {

// Told before and not named now: the worker has stopped it.
std::vector<TaskId> tell_cancels(WorkerRow& row, const std::optional<TaskId>& current) {
    std::erase_if(row.cancels, [&](const auto& one) { return one.second && one.first != current; });
    std::vector<TaskId> cancel;
    for (auto& [task, told] : row.cancels) {
        told = true;
        cancel.push_back(task);
    }
    return cancel;
}

std::optional<TaskId> hint(Rows& rows, const Worker& worker, Timestamp now) {
    if (static_cast<int>(running_on(rows, worker.id).size()) >= worker.max_parallel_tasks) {
        return std::nullopt;
    }
    const auto next = claimable(rows, worker, 1, now);
    return next.empty() ? std::nullopt : std::optional{next.front()->task.id};
}

Result<HeartbeatReceipt> beat_one(
    Rows& rows, const Heartbeat& beat, const ClaimPolicy& policy, Timestamp now
) {
    const auto found = rows.workers.find(beat.worker);
    if (found == rows.workers.end()) {
        return no_worker(beat.worker);
    }
    auto& worker = found->second.worker;
    worker.status = beat.status;
    worker.current_task_id = beat.current_task;
    worker.circuit_open = beat.circuit_open;
    worker.last_heartbeat = now;
    for (auto* row : running_on(rows, beat.worker)) {
        row->attempts.back().lease_until = now + policy.lease;
    }
    HeartbeatReceipt receipt{.cancel = tell_cancels(found->second, beat.current_task)};
    if (beat.wants_hint) {
        receipt.next_task = hint(rows, worker, now);
    }
    return receipt;
}

}  // namespace

Result<Worker> MemoryWorkers::enroll(const NewWorker& worker, Takeover takeover) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    const auto found = rows_.workers.find(worker.id);
    const bool alive =
        found != rows_.workers.end() && found->second.worker.status != WorkerStatus::offline;
    if (alive && takeover == Takeover::refuse) {
        return fail(
            Errc::conflict, "worker \"" + worker.id.value + "\" is registered and not offline"
        );
    }
    auto& row = rows_.workers[worker.id];
    row.cancels.clear();
    row.worker = Worker{
        .id = worker.id,
        .backend_type = worker.backend_type,
        .status = WorkerStatus::idle,
        .last_heartbeat = now,
        .max_parallel_tasks = worker.max_parallel_tasks,
        .supported_problems = worker.supported_problems,
        .capabilities_json = worker.capabilities_json,
        .metadata_json = worker.metadata_json,
        .registered_at = now,
        .tasks_completed = row.worker.tasks_completed,
        .tasks_failed = row.worker.tasks_failed};
    return row.worker;
}

Result<std::vector<Result<HeartbeatReceipt>>> MemoryWorkers::heartbeat(
    std::span<const Heartbeat> beats, const ClaimPolicy& policy
) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<Result<HeartbeatReceipt>> answers;
    for (const auto& beat : beats) {
        answers.push_back(beat_one(rows_, beat, policy, now));
    }
    return answers;
}

Status MemoryWorkers::retire(const WorkerId& worker) {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.workers.find(worker);
    if (found == rows_.workers.end()) {
        return no_worker(worker);
    }
    found->second.worker.status = WorkerStatus::offline;
    found->second.worker.current_task_id.reset();
    found->second.cancels.clear();
    return {};
}

Result<Worker> MemoryWorkers::find(const WorkerId& worker) {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.workers.find(worker);
    if (found == rows_.workers.end()) {
        return no_worker(worker);
    }
    return found->second.worker;
}

Result<std::vector<Worker>> MemoryWorkers::list(const WorkerQuery& query) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<Worker> workers;
    for (const auto& [id, row] : rows_.workers) {
        if ((!query.status || row.worker.status == *query.status) &&
            (!query.backend_type || row.worker.backend_type == *query.backend_type)) {
            workers.push_back(row.worker);
        }
    }
    return workers;
}

Result<WorkerStats> MemoryWorkers::stats(const WorkerId& worker) {
    const std::lock_guard lock(rows_.mutex);
    if (!rows_.workers.contains(worker)) {
        return no_worker(worker);
    }
    WorkerStats stats;
    std::vector<Duration> durations;
    for (const auto& [id, row] : rows_.tasks) {
        for (const auto& one : row.attempts) {
            if (one.attempt.worker_id != worker) {
                continue;
            }
            count(stats.counts, one.attempt.status);
            if (one.attempt.completed_at) {
                durations.push_back(*one.attempt.completed_at - one.attempt.started_at);
            }
        }
    }
    stats.duration = summary(std::move(durations));
    return stats;
}

}  // namespace opslab::memory
