#include "verbs.hpp"

#include <algorithm>
#include <set>

namespace opslab::sql {

namespace {

tl::unexpected<Error> stale(const TaskId& task, int attempt, const WorkerId& worker) {
    return fail(
        Errc::stale_attempt,
        "attempt " + std::to_string(attempt) + " of task \"" + task.value +
            "\" is not running on worker \"" + worker.value + "\""
    );
}

tl::unexpected<Error> gap(std::int64_t first_seq, std::int64_t last_seq) {
    return fail(Error{
        .code = Errc::conflict,
        .message = "an event numbered " + std::to_string(first_seq) +
                   " cannot follow one numbered " + std::to_string(last_seq),
        .reason = "sequence_gap"});
}

/// What a worker's write is checked against.
struct Fence {
    std::string status{};
    int attempt = 0;
    std::string worker{};
    std::int64_t last_seq = 0;
    Timestamp deadline{};
};

std::map<TaskId, Fence> load_fences(Session& session, std::span<const EventReport> reports) {
    std::vector<TaskId> ids;
    for (const auto& report : reports) {
        ids.push_back(report.task);
    }
    lock_tasks(session, ids);
    std::map<TaskId, Fence> fences;
    for (const auto& row : session.rows("task.fence", ids_of(ids))) {
        Fence fence{
            .status = row.at("status").get<std::string>(),
            .attempt = row.at("attempt").get<int>(),
            .last_seq = row.at("last_seq").get<std::int64_t>()};
        if (!row.at("worker_id").is_null()) {
            fence.worker = row.at("worker_id").get<std::string>();
        }
        if (!row.at("deadline").is_null()) {
            fence.deadline = from_micros(row.at("deadline").get<std::int64_t>());
        }
        fences.emplace(TaskId{row.at("id").get<std::string>()}, std::move(fence));
    }
    return fences;
}

template <class Items>
std::vector<WorkerId> worker_ids(const Items& items) {
    std::vector<WorkerId> ids;
    for (const auto& item : items) {
        ids.push_back(item.worker);
    }
    return ids;
}

template <class Items>
std::map<WorkerId, WorkerRow> locked_workers_of(Session& session, const Items& items) {
    const auto ids = worker_ids(items);
    lock_workers(session, ids);
    return load_workers(session, ids);
}

/// The ends of one call, one after another on the same loaded rows.
class Finishing {
public:
    Finishing(
        Session& session,
        Changes& changes,
        LeaseTime& lease_time,
        Entropy& entropy,
        std::span<const AttemptEnd> ends
    )
        : changes_(changes),
          moment_(lease_time, session),
          entropy_(entropy),
          workers_(locked_workers_of(session, ends)) {
        std::vector<TaskId> ids;
        Json attempts = Json::array();
        for (const auto& end : ends) {
            ids.push_back(end.task);
            attempts.push_back(Json{{"task_id", end.task.value}, {"attempt", end.attempt}});
        }
        lock_tasks(session, ids);
        tasks_ = load_tasks(session, ids);
        for (const auto& row : run_over(session, "attempt.load", std::move(attempts))) {
            auto loaded = attempt_row(row);
            digests_[{loaded.task, loaded.attempt.attempt}] = {
                loaded.attempt.worker_id, loaded.digest.value_or("")};
        }
    }

    Result<Task> one(const AttemptEnd& end, const RetryPolicy& retry) {
        if (!workers_.contains(end.worker)) {
            return no_worker(end.worker);
        }
        const auto found = tasks_.find(end.task);
        if (found == tasks_.end()) {
            return no_task(end.task);
        }
        auto& row = found->second;
        const bool owns = row.task.status == TaskStatus::running &&
                          row.task.attempt == end.attempt && row.task.worker_id == end.worker;
        if (!owns) {
            return ended_before(end, row.task);
        }
        changes_.end_attempt(row, outcome_of(end, row.task, retry));
        digests_[{end.task, end.attempt}] = {end.worker, end.digest};
        return row.task;
    }

private:
    Result<Task> ended_before(const AttemptEnd& end, const Task& task) const {
        const auto known = digests_.find({end.task, end.attempt});
        const bool same = known != digests_.end() && !end.digest.empty() &&
                          known->second == std::pair{end.worker, end.digest};
        if (same) {
            return task;
        }
        return stale(end.task, end.attempt, end.worker);
    }

    AttemptOutcome outcome_of(const AttemptEnd& end, const Task& task, const RetryPolicy& retry) {
        AttemptOutcome outcome{.error_details = end.error_details, .digest = end.digest};
        if (const auto* result = std::get_if<TaskResult>(&end.outcome); result != nullptr) {
            outcome.event = TaskEvent::completed;
            outcome.result = *result;
            return outcome;
        }
        outcome.failure = std::get<Failure>(end.outcome);
        if (is_retried(outcome.failure->kind) && end.attempt <= task.parameters.max_retries) {
            outcome.event = TaskEvent::retried;
            outcome.not_before = moment_.now() + retry_delay(end.attempt, retry, entropy_.next());
        }
        return outcome;
    }

    Changes& changes_;
    LeaseMoment moment_;
    Entropy& entropy_;
    std::map<WorkerId, WorkerRow> workers_;
    std::map<TaskId, TaskRow> tasks_;
    std::map<std::pair<TaskId, int>, std::pair<WorkerId, std::string>> digests_;
};

}  // namespace

Result<std::vector<Result<std::vector<ClaimedTask>>>> SqlRunStore::claim(
    std::span<const ClaimRequest> requests, const ClaimPolicy& policy
) {
    return parts_.database.write([&](Session& session) {
        auto workers = locked_workers_of(session, requests);
        LeaseMoment moment{parts_.lease_time, session};
        // where one got less than it had room for, its like need not look: a thousand may wait
        std::set<std::pair<std::string, std::vector<std::string>>> exhausted;
        std::vector<Result<std::vector<ClaimedTask>>> answers;
        for (const auto& request : requests) {
            const auto found = workers.find(request.worker);
            if (found == workers.end()) {
                answers.emplace_back(no_worker(request.worker));
                continue;
            }
            auto& [worker, running] = found->second;
            if (worker.status == WorkerStatus::offline) {
                answers.emplace_back(
                    fail(Errc::conflict, "worker \"" + request.worker.value + "\" is offline")
                );
                continue;
            }
            const auto free = std::max<std::int64_t>(0, worker.max_parallel_tasks - running);
            const auto wanted = std::min<std::int64_t>(std::max(request.max, 0), free);
            std::vector<ClaimedTask> claimed;
            const std::pair kind{worker.backend_type, worker.supported_problems};
            if (wanted > 0 && !exhausted.contains(kind)) {
                // written before the next request looks, so that no task goes to two
                Changes changes{parts_.host.clock.now(), parts_.host.entropy};
                const auto now = moment.now();
                for (auto& row : take_claimable(session, worker, wanted, now)) {
                    const auto deadline =
                        changes.begin_attempt(row, request.worker, now, policy.lease);
                    claimed.push_back(ClaimedTask{
                        .task = row.task, .deadline = deadline, .last_seq = row.last_seq});
                }
                changes.flush(session);
                if (static_cast<std::int64_t>(claimed.size()) < wanted) {
                    exhausted.insert(kind);
                }
            }
            if (!claimed.empty()) {
                running += static_cast<std::int64_t>(claimed.size());
                session.rows(
                    "worker.claimed",
                    Json{{"id", request.worker.value}, {"task_id", claimed.front().task.id.value}}
                );
            }
            answers.emplace_back(std::move(claimed));
        }
        return answers;
    });
}

Result<std::vector<Result<ReportReceipt>>> SqlRunStore::record(
    std::span<const EventReport> reports, const ClaimPolicy& policy
) {
    return parts_.database.write([&](Session& session) {
        Changes changes{parts_.host.clock.now(), parts_.host.entropy};
        const auto lease_until = parts_.lease_time.now(session) + policy.lease;
        const auto workers = load_workers(session, worker_ids(reports));
        auto fences = load_fences(session, reports);
        std::vector<Result<ReportReceipt>> answers;
        for (const auto& report : reports) {
            const auto found = fences.find(report.task);
            if (!workers.contains(report.worker)) {
                answers.emplace_back(no_worker(report.worker));
            } else if (found == fences.end()) {
                answers.emplace_back(no_task(report.task));
            } else if (auto& fence = found->second;
                       fence.status != to_string(TaskStatus::running) ||
                       fence.attempt != report.attempt || fence.worker != report.worker.value) {
                answers.emplace_back(stale(report.task, report.attempt, report.worker));
            } else if (report.first_seq && *report.first_seq > fence.last_seq + 1) {
                answers.emplace_back(gap(*report.first_seq, fence.last_seq));
            } else {
                changes.record(report, fence.last_seq, lease_until);
                answers.emplace_back(ReportReceipt{
                    .deadline = fence.deadline, .last_seq = fence.last_seq});
            }
        }
        changes.flush(session);
        return answers;
    });
}

Result<std::vector<Result<Task>>> SqlRunStore::finish(
    std::span<const AttemptEnd> ends, const RetryPolicy& retry
) {
    return parts_.database.write([&](Session& session) {
        Changes changes{parts_.host.clock.now(), parts_.host.entropy};
        Finishing finishing{session, changes, parts_.lease_time, parts_.host.entropy, ends};
        std::vector<Result<Task>> answers;
        for (const auto& end : ends) {
            answers.push_back(finishing.one(end, retry));
        }
        changes.flush(session);
        return answers;
    });
}

Result<std::vector<RunningAttempt>> SqlRunStore::running(const WorkerId& worker) {
    return parts_.database.read([&](Session& session) {
        std::vector<AttemptRow> attempts;
        std::vector<TaskId> ids;
        for (const auto& row :
             session.rows("attempt.running_of_worker", Json{{"worker_id", worker.value}})) {
            attempts.push_back(attempt_row(row));
            ids.push_back(attempts.back().task);
        }
        const auto tasks = load_tasks(session, ids);
        std::vector<RunningAttempt> answer;
        answer.reserve(attempts.size());
        for (auto& row : attempts) {
            answer.push_back(RunningAttempt{
                .task = tasks.at(row.task).task,
                .deadline = row.attempt.deadline,
                .handle = std::move(row.handle),
                .last_seq = tasks.at(row.task).last_seq});
        }
        return answer;
    });
}

}  // namespace opslab::sql
