#include "verbs.hpp"

#include <algorithm>
#include <limits>

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

// The filter that narrows most has its own index; `any` has none.
std::string driving_filter(const TaskQuery& query) {
    if (query.group_id) {
        return "group";
    }
    if (query.worker_id) {
        return "worker";
    }
    if (query.problem_id) {
        return "problem";
    }
    if (query.backend_type) {
        return "backend";
    }
    return query.status ? "status" : "any";
}

struct SortName {
    const char* name;
    bool up;
};

SortName sort_name(TaskSort sort) {
    switch (sort) {
        case TaskSort::created_up:
            return {"created_up", true};
        case TaskSort::priority_up:
            return {"priority_up", true};
        case TaskSort::priority_down:
            return {"priority_down", false};
        case TaskSort::created_down:
            break;
    }
    return {"created_down", false};
}

Json page_parameter(const TaskQuery& query, bool up) {
    Json parameter{
        {"status", query.status ? Json(to_string(*query.status)) : Json()},
        {"problem_id", text_or_null(query.problem_id)},
        {"worker_id", id_or_null(query.worker_id)},
        {"backend_type", text_or_null(query.backend_type)},
        {"group_id", text_or_null(query.group_id)},
        {"limit", query.limit + 1},
        {"offset", query.after ? 0 : query.offset}};
    // the first page goes on from beyond any row
    using Limits = std::numeric_limits<std::int64_t>;
    parameter["value"] = query.after ? query.after->value : (up ? Limits::min() : Limits::max());
    parameter["id"] = query.after ? query.after->id.value : std::string{};
    return parameter;
}

std::int64_t pick(const StatusCounts& counts, const std::optional<TaskStatus>& status) {
    if (!status) {
        return counts.pending + counts.running + counts.completed + counts.failed + counts.timeout +
               counts.cancelled;
    }
    switch (*status) {
        case TaskStatus::pending:
            return counts.pending;
        case TaskStatus::running:
            return counts.running;
        case TaskStatus::completed:
            return counts.completed;
        case TaskStatus::failed:
            return counts.failed;
        case TaskStatus::timeout:
            return counts.timeout;
        case TaskStatus::cancelled:
            return counts.cancelled;
    }
    return 0;
}

std::int64_t total_of(Session& session, const TaskQuery& query, const Json& parameter) {
    if (query.worker_id || query.backend_type || query.group_id) {
        return session.row("task.count_filtered", parameter).at("total").get<std::int64_t>();
    }
    const Json kept = query.problem_id ? Json{{"scope", "problem"}, {"name", *query.problem_id}}
                                       : Json{{"scope", "all"}, {"name", ""}};
    return pick(status_counts(session.row("count.one", kept)), query.status);
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

Result<TaskPage> SqlTaskStore::list(const TaskQuery& query) {
    return parts_.database.read([&](Session& session) {
        const auto sort = sort_name(query.sort);
        const auto parameter = page_parameter(query, sort.up);
        std::vector<TaskId> ids;
        const auto statement = "task.page_" + driving_filter(query) + "_" + sort.name;
        for (const auto& row : session.rows(statement, parameter)) {
            ids.emplace_back(row.get<std::string>());
        }
        TaskPage page;
        page.more = ids.size() > static_cast<std::size_t>(query.limit);
        if (page.more) {
            ids.pop_back();
        }
        const auto tasks = load_tasks(session, ids);
        for (const auto& id : ids) {
            page.tasks.push_back(tasks.at(id).task);
        }
        page.total = total_of(session, query, parameter);
        return page;
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
        const auto row = session.row(
            "task.outlook", Json{{"id", task.value}, {"now", to_micros(parts_.host.clock.now())}}
        );
        if (row.is_null()) {
            return std::nullopt;
        }
        Outlook outlook{
            .ahead = row.at("ahead").get<std::int64_t>(),
            .last_seq = row.at("last_seq").get<std::int64_t>()};
        if (!row.at("lease_until").is_null()) {
            outlook.lease_until = from_micros(row.at("lease_until").get<std::int64_t>());
        }
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
