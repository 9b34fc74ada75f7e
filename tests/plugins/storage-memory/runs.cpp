#include "roles.hpp"

#include <algorithm>
#include <iterator>

namespace opslab::memory {

namespace {

std::int64_t last_seq(const TaskRow& row) {
    return std::ssize(row.events);
}

// Unknown worker, unknown task, or not this worker's running attempt.
Result<TaskRow*> fenced(Rows& rows, const TaskId& task, int attempt, const WorkerId& worker) {
    if (!rows.workers.contains(worker)) {
        return no_worker(worker);
    }
    const auto found = rows.tasks.find(task);
    if (found == rows.tasks.end()) {
        return no_task(task);
    }
    const auto& known = found->second.task;
    if (known.status != TaskStatus::running || known.attempt != attempt ||
        known.worker_id != worker) {
        return fail(
            Errc::stale_attempt,
            "attempt " + std::to_string(attempt) + " of task \"" + task.value +
                "\" is not running on worker \"" + worker.value + "\""
        );
    }
    return &found->second;
}

Result<std::vector<ClaimedTask>> claim_one(
    Rows& rows, const ClaimRequest& request, const ClaimPolicy& policy, Timestamp now
) {
    const auto found = rows.workers.find(request.worker);
    if (found == rows.workers.end()) {
        return no_worker(request.worker);
    }
    auto& worker = found->second.worker;
    if (worker.status == WorkerStatus::offline) {
        return fail(Errc::conflict, "worker \"" + request.worker.value + "\" is offline");
    }
    const auto taken = static_cast<int>(running_on(rows, request.worker).size());
    const auto wanted = std::min(request.max, worker.max_parallel_tasks - taken);
    std::vector<ClaimedTask> claimed;
    if (wanted <= 0) {
        return claimed;
    }
    for (auto* row : claimable(rows, worker, static_cast<std::size_t>(wanted), now)) {
        begin_attempt(*row, request.worker, now, policy.lease);
        const auto deadline = row->attempts.back().attempt.deadline;
        claimed.push_back(ClaimedTask{
            .task = row->task, .deadline = deadline, .last_seq = last_seq(*row)});
    }
    if (!claimed.empty()) {
        worker.status = WorkerStatus::busy;
        if (!worker.current_task_id) {
            worker.current_task_id = claimed.front().task.id;
        }
    }
    return claimed;
}

Result<ReportReceipt> record_one(
    Rows& rows, const EventReport& report, const ClaimPolicy& policy, Timestamp now
) {
    auto found = fenced(rows, report.task, report.attempt, report.worker);
    if (!found) {
        return fail(std::move(found.error()));
    }
    auto& row = **found;
    auto& attempt = row.attempts.back();
    const auto first = report.first_seq.value_or(last_seq(row) + 1);
    if (first > last_seq(row) + 1) {
        return fail(Error{
            .code = Errc::conflict,
            .message = "an event numbered " + std::to_string(first) +
                       " cannot follow one numbered " + std::to_string(last_seq(row)),
            .reason = "sequence_gap"});
    }
    for (auto i = last_seq(row) + 1 - first; i < std::ssize(report.events); ++i) {
        std::visit(
            [&](const auto& body) { append(row, report.attempt, body); },
            report.events[static_cast<std::size_t>(i)]
        );
    }
    attempt.lease_until = now + policy.lease;
    if (report.handle) {
        attempt.handle = report.handle;
    }
    return ReportReceipt{.deadline = attempt.attempt.deadline, .last_seq = last_seq(row)};
}

// The same end by the same worker as the one that was taken.
bool is_repeated(const Rows& rows, const AttemptEnd& end) {
    const auto found = rows.tasks.find(end.task);
    if (found == rows.tasks.end() || end.digest.empty()) {
        return false;
    }
    const auto& attempts = found->second.attempts;
    return std::any_of(attempts.begin(), attempts.end(), [&](const AttemptRow& row) {
        return row.attempt.attempt == end.attempt && row.attempt.worker_id == end.worker &&
               row.digest == end.digest;
    });
}

Result<Task> finish_one(
    Rows& rows, const AttemptEnd& end, const RetryPolicy& retry, Timestamp now
) {
    const auto found = fenced(rows, end.task, end.attempt, end.worker);
    if (!found) {
        if (found.error().code == Errc::stale_attempt && is_repeated(rows, end)) {
            return rows.tasks.at(end.task).task;
        }
        return fail(found.error());
    }
    auto& row = **found;
    Ending ending{.error_details = end.error_details, .digest = end.digest};
    if (const auto* result = std::get_if<TaskResult>(&end.outcome)) {
        ending.event = TaskEvent::completed;
        ending.result = *result;
    } else {
        ending.failure = std::get<Failure>(end.outcome);
        if (is_retried(ending.failure->kind) && end.attempt <= row.task.parameters.max_retries) {
            ending.event = TaskEvent::retried;
            ending.not_before = now + retry_delay(end.attempt, retry, rows.host.entropy.next());
        }
    }
    end_attempt(rows, row, ending, now);
    return row.task;
}

void time_out(Rows& rows, TaskRow& row, Timestamp now) {
    const auto minutes = std::to_string(row.task.parameters.timeout_minutes);
    const Failure failure{
        .kind = FailureKind::timeout, .message = "not finished after " + minutes + " minutes"};
    const Ending ending{
        .event = TaskEvent::timed_out,
        .failure = failure,
        .error_details = "attempt " + std::to_string(row.task.attempt) + " passed its deadline"};
    end_attempt(rows, row, ending, now);
}

void lose(Rows& rows, TaskRow& row, const RetryPolicy& retry, Timestamp now) {
    const auto worker = row.attempts.back().attempt.worker_id.value;
    const int attempt = row.task.attempt;
    Ending ending{
        .failure =
            Failure{
                .kind = FailureKind::worker_lost, .message = "worker \"" + worker + "\" was lost"},
        .error_details = "attempt " + std::to_string(attempt) + " on worker \"" + worker +
                         "\": its lease ran out"};
    if (attempt <= row.task.parameters.max_retries) {
        ending.event = TaskEvent::retried;
        ending.not_before = now + retry_delay(attempt, retry, rows.host.entropy.next());
    }
    end_attempt(rows, row, ending, now);
}

std::vector<TaskRow*> expired(Rows& rows, const SweepPolicy& policy, Timestamp now) {
    std::vector<TaskRow*> found;
    for (auto& [id, row] : rows.tasks) {
        if (row.task.status != TaskStatus::running) {
            continue;
        }
        const auto& last = row.attempts.back();
        if (last.attempt.deadline <= now || (policy.expire_leases && last.lease_until <= now)) {
            found.push_back(&row);
        }
    }
    return found;
}

void expire_workers(Rows& rows, Timestamp silent_since, SweepReport& report) {
    for (auto& [id, row] : rows.workers) {
        auto& worker = row.worker;
        if (worker.status != WorkerStatus::offline && worker.last_heartbeat <= silent_since) {
            worker.status = WorkerStatus::offline;
            worker.current_task_id.reset();
            row.cancels.clear();
            report.workers_offline.push_back(id);
        }
    }
}

void forget_workers(Rows& rows, Timestamp silent_since, SweepReport& report) {
    const auto runs_here = [&](const WorkerId& id) {
        return std::any_of(rows.tasks.begin(), rows.tasks.end(), [&](const auto& entry) {
            const auto& task = entry.second.task;
            return task.status == TaskStatus::running && task.worker_id == id;
        });
    };
    for (auto row = rows.workers.begin(); row != rows.workers.end();) {
        const auto& worker = row->second.worker;
        const bool gone = worker.status == WorkerStatus::offline &&
                          worker.last_heartbeat <= silent_since && !runs_here(row->first);
        if (gone) {
            report.workers_forgotten.push_back(row->first);
        }
        row = gone ? rows.workers.erase(row) : std::next(row);
    }
}

}  // namespace

Result<std::vector<Result<std::vector<ClaimedTask>>>> MemoryRuns::claim(
    std::span<const ClaimRequest> requests, const ClaimPolicy& policy
) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<Result<std::vector<ClaimedTask>>> answers;
    for (const auto& request : requests) {
        answers.push_back(claim_one(rows_, request, policy, now));
    }
    return answers;
}

Result<std::vector<Result<ReportReceipt>>> MemoryRuns::record(
    std::span<const EventReport> reports, const ClaimPolicy& policy
) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<Result<ReportReceipt>> answers;
    for (const auto& report : reports) {
        answers.push_back(record_one(rows_, report, policy, now));
    }
    return answers;
}

Result<std::vector<Result<Task>>> MemoryRuns::finish(
    std::span<const AttemptEnd> ends, const RetryPolicy& retry
) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<Result<Task>> answers;
    for (const auto& end : ends) {
        answers.push_back(finish_one(rows_, end, retry, now));
    }
    return answers;
}

Result<SweepReport> MemoryRuns::sweep(const SweepPolicy& policy) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    SweepReport report;
    auto due = expired(rows_, policy, now);
    if (due.size() > static_cast<std::size_t>(policy.limit)) {
        report.more = true;
        due.resize(static_cast<std::size_t>(policy.limit));
    }
    for (auto* row : due) {
        if (row->attempts.back().attempt.deadline <= now) {
            time_out(rows_, *row, now);
            report.timed_out.push_back(row->task);
        } else {
            lose(rows_, *row, policy.retry, now);
            report.lost.push_back(row->task);
        }
    }
    if (policy.expire_leases) {
        expire_workers(rows_, now - policy.heartbeat_timeout, report);
        if (policy.worker_retention > Duration{0}) {
            forget_workers(rows_, now - policy.worker_retention, report);
        }
    }
    return report;
}

Result<std::vector<RunningAttempt>> MemoryRuns::running(const WorkerId& worker) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<RunningAttempt> running;
    for (const auto* row : running_on(rows_, worker)) {
        const auto& last = row->attempts.back();
        running.push_back(RunningAttempt{
            .task = row->task,
            .deadline = last.attempt.deadline,
            .handle = last.handle,
            .last_seq = last_seq(*row)});
    }
    return running;
}

}  // namespace opslab::memory
