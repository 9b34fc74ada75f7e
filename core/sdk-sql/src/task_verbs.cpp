#include "verbs.hpp"

#include <algorithm>

namespace opslab::sql {

namespace {

constexpr int kLargestGroups = 100;

/// Begin and end events of one task's last attempt, paired.
class PhasePairs {
public:
    void add(const std::string& name, bool begins, Timestamp at) {
        if (begins) {
            spans_.push_back(PhaseSpan{.name = name, .begin = at, .end = std::nullopt});
            return;
        }
        const auto open = std::find_if(spans_.rbegin(), spans_.rend(), [&](const PhaseSpan& span) {
            return span.name == name && !span.end;
        });
        if (open != spans_.rend()) {
            open->end = at;
        }
    }

    std::vector<PhaseSpan> take() { return std::move(spans_); }

private:
    std::vector<PhaseSpan> spans_;
};

void fill_from_attempts(TaskDetail& detail, std::vector<AttemptRow>& attempts) {
    for (auto& row : attempts) {
        detail.attempts.push_back(row.attempt);
    }
    if (!attempts.empty()) {
        auto& last = attempts.back();
        detail.result = std::move(last.result);
        detail.error_details = std::move(last.error_details);
        detail.failure = last.attempt.failure;
    }
    const bool cancelled_while_waiting =
        detail.task.status == TaskStatus::cancelled && !detail.task.started_at;
    if (cancelled_while_waiting) {
        detail.failure = Failure{
            .kind = FailureKind::cancelled, .phase = {}, .message = "cancelled while it waited"};
    }
}

std::vector<GroupCounts> largest(Session& session, const std::string& scope) {
    std::vector<GroupCounts> groups;
    for (const auto& row :
         session.rows("count.largest", Json{{"scope", scope}, {"limit", kLargestGroups}})) {
        groups.push_back(GroupCounts{
            .name = row.at("name").get<std::string>(), .counts = status_counts(row)});
    }
    return groups;
}

// Workers are locked before tasks, so they are looked up first. One that takes such a task
// meanwhile is not among them; it is locked when its counters change, at the cost of a deadlock
// that the database ends and `Database` tries again.
void lock_holders(Session& session, const std::vector<TaskId>& tasks) {
    std::vector<WorkerId> holders;
    for (const auto& [id, row] : load_tasks(session, tasks)) {
        if (row.task.status == TaskStatus::running && row.task.worker_id) {
            holders.push_back(*row.task.worker_id);
        }
    }
    lock_workers(session, holders);
}

}  // namespace

Result<std::vector<TaskDetail>> SqlTaskStore::details(std::span<const TaskId> ids) {
    const std::vector<TaskId> wanted{ids.begin(), ids.end()};
    return parts_.database.read([&](Session& session) {
        const auto tasks = load_tasks(session, wanted);
        const auto parameter = ids_of(wanted);
        std::map<TaskId, std::vector<AttemptRow>> attempts;
        for (const auto& row : session.rows("attempt.of_tasks", parameter)) {
            auto loaded = attempt_row(row);
            attempts[loaded.task].push_back(std::move(loaded));
        }
        std::map<TaskId, PhasePairs> phases;
        for (const auto& row : session.rows("event.phases", parameter)) {
            phases[TaskId{row.at("task_id").get<std::string>()}].add(
                row.at("ref").get<std::string>(),
                row.at("text").get<std::string>() == "begin",
                from_micros(row.at("at").get<std::int64_t>())
            );
        }
        std::vector<TaskDetail> details;
        for (const auto& id : wanted) {
            const auto found = tasks.find(id);
            if (found != tasks.end()) {
                TaskDetail detail{.task = found->second.task};
                auto of_task = attempts[id];
                fill_from_attempts(detail, of_task);
                detail.phases = phases[id].take();
                details.push_back(std::move(detail));
            }
        }
        return details;
    });
}

Result<QueueCounts> SqlTaskStore::counts() {
    return parts_.database.read([&](Session& session) {
        QueueCounts counts;
        counts.tasks =
            status_counts(session.row("count.one", Json{{"scope", "all"}, {"name", ""}}));
        for (const auto& row : session.rows("worker.counts", Json::object())) {
            const auto status = row.at("status").get<std::string>();
            const auto count = row.at("count").get<std::int64_t>();
            (status == "idle"   ? counts.workers_idle
             : status == "busy" ? counts.workers_busy
                                : counts.workers_offline) = count;
        }
        return counts;
    });
}

Result<TaskStats> SqlTaskStore::stats() {
    return parts_.database.read([&](Session& session) {
        TaskStats stats;
        const auto all = session.row("count.one", Json{{"scope", "all"}, {"name", ""}});
        stats.by_status = status_counts(all);
        stats.successes = all.is_null() ? 0 : all.at("successes").get<std::int64_t>();
        stats.duration = summary(read_histogram(session, "duration", ""));
        stats.queue = summary(read_histogram(session, "queue", ""));
        stats.by_problem = largest(session, "problem");
        stats.by_worker = largest(session, "worker");
        return stats;
    });
}

Result<Outlook> SqlTaskStore::outlook(const TaskId& task) {
    auto found = parts_.database.read([&](Session& session) -> std::optional<Outlook> {
        const auto now = parts_.lease_time.now(session);
        const auto row =
            session.row("task.outlook", Json{{"id", task.value}, {"now", to_micros(now)}});
        if (row.is_null()) {
            return std::nullopt;
        }
        Outlook outlook{
            .now = now,
            .ahead = row.at("ahead").get<std::int64_t>(),
            .last_seq = row.at("last_seq").get<std::int64_t>()};
        if (!row.at("lease_until").is_null()) {
            outlook.lease_until = from_micros(row.at("lease_until").get<std::int64_t>());
        }
        auto ended = read_histogram(session, "problem", row.at("problem_id").get<std::string>());
        if (ended.empty()) {
            ended = read_histogram(session, "duration", "");
        }
        outlook.usual = summary(ended);
        const Json everyone{{"status", nullptr}, {"backend_type", nullptr}};
        for (const auto& each : session.rows("worker.list", everyone)) {
            auto loaded = worker_row(each);
            outlook.workers.push_back(
                {.worker = std::move(loaded.worker), .running = static_cast<int>(loaded.running)}
            );
        }
        return outlook;
    });
    if (!found) {
        return fail(std::move(found.error()));
    }
    if (!*found) {
        return no_task(task);
    }
    return std::move(**found);
}

Result<std::vector<Result<Task>>> SqlTaskStore::cancel(std::span<const TaskId> ids) {
    const std::vector<TaskId> wanted{ids.begin(), ids.end()};
    return parts_.database.write([&](Session& session) {
        Changes changes{parts_.host.clock.now(), parts_.host.entropy};
        lock_holders(session, wanted);
        lock_tasks(session, wanted);
        auto tasks = load_tasks(session, wanted);
        std::vector<Result<Task>> answers;
        for (const auto& id : wanted) {
            const auto found = tasks.find(id);
            if (found == tasks.end()) {
                answers.emplace_back(no_task(id));
                continue;
            }
            auto& row = found->second;
            if (!next_status(row.task.status, TaskEvent::cancel_asked)) {
                answers.emplace_back(fail(
                    Errc::conflict,
                    "task \"" + id.value + "\" is already " +
                        std::string{to_string(row.task.status)}
                ));
                continue;
            }
            if (row.task.status == TaskStatus::running) {
                changes.end_attempt(
                    row,
                    AttemptOutcome{
                        .event = TaskEvent::cancel_asked,
                        .failure =
                            Failure{
                                .kind = FailureKind::cancelled,
                                .phase = {},
                                .message = "cancelled while it ran"}}
                );
            } else {
                changes.cancel_pending(row);
            }
            answers.emplace_back(row.task);
        }
        changes.flush(session);
        return answers;
    });
}

}  // namespace opslab::sql
