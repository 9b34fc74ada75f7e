#include "verbs.hpp"

#include <cstdint>
#include <limits>

namespace opslab::sql {

namespace {

std::string seconds_between(Timestamp from, Timestamp to) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(to - from).count());
}

/// How a sweep looks at leases, in the time that they were written in.
struct LeaseView {
    Timestamp now{};
    Duration length{};
    bool expires = false;
    bool shared = false;

    /// What nobody can have written since our time began, and lies ahead all the same: the clock
    /// was set back between two starts, and whoever lives would have written anew by now. Not where
    /// others write too, perhaps with another length. In microseconds.
    [[nodiscard]] std::int64_t horizon(Duration ahead) const {
        return shared ? std::numeric_limits<std::int64_t>::max() : to_micros(now + ahead);
    }
    [[nodiscard]] bool is_over(Timestamp until) const {
        return expires && (until <= now || to_micros(until) > horizon(length));
    }
};

AttemptOutcome timed_out(const AttemptRow& attempt, const Task& task) {
    const auto minutes = std::to_string(task.parameters.timeout_minutes);
    return AttemptOutcome{
        .event = TaskEvent::timed_out,
        .failure =
            Failure{
                .kind = FailureKind::timeout,
                .phase = {},
                .message = "not finished after " + minutes + " minutes"},
        .error_details = "attempt " + std::to_string(attempt.attempt.attempt) + " on worker \"" +
                         attempt.attempt.worker_id.value + "\" passed its deadline"};
}

// What is known, for a person: who had it, and when it was last heard of.
std::string last_known(const AttemptRow& attempt, const WorkerRow* worker, Timestamp now) {
    auto text = "attempt " + std::to_string(attempt.attempt.attempt) + " on worker \"" +
                attempt.attempt.worker_id.value + "\": its lease ran out " +
                seconds_between(attempt.lease_until, now) + " s ago";
    if (worker != nullptr) {
        text += ", the worker's last heartbeat came " +
                seconds_between(worker->worker.last_heartbeat, now) + " s ago";
    }
    return text;
}

AttemptOutcome lost(
    const AttemptRow& attempt,
    const Task& task,
    const WorkerRow* worker,
    Timestamp lease_now,
    const RetryPolicy& retry,
    Entropy& entropy
) {
    const int number = attempt.attempt.attempt;
    AttemptOutcome outcome{
        .event = TaskEvent::failed,
        .failure =
            Failure{
                .kind = FailureKind::worker_lost,
                .phase = {},
                .message = "worker \"" + attempt.attempt.worker_id.value + "\" was lost"},
        .error_details = last_known(attempt, worker, lease_now)};
    if (number <= task.parameters.max_retries) {
        outcome.event = TaskEvent::retried;
        outcome.not_before = lease_now + retry_delay(number, retry, entropy.next());
    }
    return outcome;
}

void expire_workers(
    Session& session, const SweepPolicy& policy, const LeaseView& view, SweepReport& report
) {
    const Json parameter{
        {"silent_since", to_micros(view.now - policy.heartbeat_timeout)},
        {"heard_by", view.horizon(Duration{0})}};
    for (const auto& row : session.rows("worker.expire", parameter)) {
        report.workers_offline.emplace_back(row.get<std::string>());
    }
    if (!report.workers_offline.empty()) {
        session.rows("cancel.drop_of_workers", ids_of(report.workers_offline));
    }
}

void forget_workers(
    Session& session, const SweepPolicy& policy, Timestamp now, SweepReport& report
) {
    if (policy.worker_retention <= Duration{0}) {
        return;
    }
    const Json parameter{
        {"silent_since", to_micros(now - policy.worker_retention)}, {"limit", policy.limit}};
    for (const auto& row : session.rows("worker.forget", parameter)) {
        report.workers_forgotten.emplace_back(row.get<std::string>());
    }
    if (!report.workers_forgotten.empty()) {
        session.rows("cancel.drop_of_workers", ids_of(report.workers_forgotten));
    }
}

// Found without locks: meanwhile some may have been renewed, or ended by another sweep.
std::vector<AttemptRow> still_expired(
    Session& session, const std::vector<AttemptRow>& found, const LeaseView& view
) {
    Json wanted = Json::array();
    for (const auto& row : found) {
        wanted.push_back(Json{{"task_id", row.task.value}, {"attempt", row.attempt.attempt}});
    }
    std::vector<AttemptRow> expired;
    for (const auto& row : run_over(session, "attempt.load", std::move(wanted))) {
        auto loaded = attempt_row(row);
        const bool past = loaded.attempt.deadline <= view.now || view.is_over(loaded.lease_until);
        if (loaded.attempt.status == TaskStatus::running && past) {
            expired.push_back(std::move(loaded));
        }
    }
    return expired;
}

}  // namespace

Result<SweepReport> SqlRunStore::sweep(const SweepPolicy& policy) {
    return parts_.database.write([&](Session& session) {
        Changes changes{parts_.host.clock.now(), parts_.host.entropy};
        const LeaseView view{
            .now = parts_.lease_time.now(session),
            .length = policy.heartbeat_timeout,
            // after a restart, or where the clock was set, nobody's word counts: neither leases nor
            // workers are given up on
            .expires = policy.expire_leases && parts_.lease_time.settled(policy.heartbeat_timeout),
            .shared = parts_.lease_time.is_shared()};
        SweepReport report;
        std::vector<AttemptRow> expired;
        std::vector<TaskId> ids;
        std::vector<WorkerId> holders;
        const Json parameter{
            {"now", to_micros(view.now)},
            {"lease_horizon", view.horizon(view.length)},
            {"expire_leases", view.expires ? 1 : 0},
            {"limit", policy.limit + 1}};
        for (const auto& row : session.rows("attempt.expired", parameter)) {
            expired.push_back(attempt_row(row));
        }
        report.more = expired.size() > static_cast<std::size_t>(policy.limit);
        if (report.more) {
            expired.pop_back();
        }
        for (const auto& attempt : expired) {
            ids.push_back(attempt.task);
            holders.push_back(attempt.attempt.worker_id);
        }
        lock_workers(session, holders);
        lock_tasks(session, ids);
        expired = still_expired(session, expired, view);
        auto tasks = load_tasks(session, ids);
        const auto workers = load_workers(session, holders);
        for (const auto& attempt : expired) {
            auto& row = tasks.at(attempt.task);
            if (attempt.attempt.deadline <= view.now) {
                changes.end_attempt(row, timed_out(attempt, row.task));
                report.timed_out.push_back(row.task);
                continue;
            }
            const auto holder = workers.find(attempt.attempt.worker_id);
            const auto* worker = holder == workers.end() ? nullptr : &holder->second;
            changes.end_attempt(
                row, lost(attempt, row.task, worker, view.now, policy.retry, parts_.host.entropy)
            );
            report.lost.push_back(row.task);
        }
        changes.flush(session);
        if (view.expires) {
            expire_workers(session, policy, view, report);
            forget_workers(session, policy, view.now, report);
        }
        return report;
    });
}

}  // namespace opslab::sql
