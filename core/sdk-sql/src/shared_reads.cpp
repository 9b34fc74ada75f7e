#include "verbs.hpp"

#include <algorithm>
#include <tuple>

namespace opslab::sql {

std::map<TaskId, TaskRow> load_tasks(Session& session, const std::vector<TaskId>& ids) {
    std::map<TaskId, TaskRow> tasks;
    for (const auto& row : session.rows("task.load", ids_of(ids))) {
        auto loaded = task_row(row);
        auto id = loaded.task.id;
        tasks.emplace(std::move(id), std::move(loaded));
    }
    return tasks;
}

std::map<WorkerId, WorkerRow> load_workers(Session& session, const std::vector<WorkerId>& ids) {
    std::map<WorkerId, WorkerRow> workers;
    for (const auto& row : session.rows("worker.load", ids_of(ids))) {
        auto loaded = worker_row(row);
        auto id = loaded.worker.id;
        workers.emplace(std::move(id), std::move(loaded));
    }
    return workers;
}

void lock_workers(Session& session, const std::vector<WorkerId>& ids) {
    if (!ids.empty()) {
        session.rows("worker.lock", ids_of(ids));
    }
}

void lock_tasks(Session& session, const std::vector<TaskId>& ids) {
    if (!ids.empty()) {
        session.rows("task.lock", ids_of(ids));
    }
}

namespace {

std::vector<TaskRow> next_tasks(
    Session& session,
    std::string_view statement,
    const Worker& worker,
    std::int64_t limit,
    Timestamp now
) {
    const Json parameter{
        {"now", to_micros(now)},
        {"backend_type", worker.backend_type},
        {"globs", worker.supported_problems},
        {"limit", limit}};
    std::vector<TaskRow> tasks;
    for (const auto& row : session.rows(statement, parameter)) {
        tasks.push_back(task_row(row));
    }
    // the statement chooses in this order; its last join need not keep it
    std::sort(tasks.begin(), tasks.end(), [](const TaskRow& a, const TaskRow& b) {
        return std::tuple(-a.task.parameters.priority, a.task.created_at, a.task.id) <
               std::tuple(-b.task.parameters.priority, b.task.created_at, b.task.id);
    });
    return tasks;
}

}  // namespace

std::vector<TaskRow> claimable(
    Session& session, const Worker& worker, std::int64_t limit, Timestamp now
) {
    return next_tasks(session, "task.claimable", worker, limit, now);
}

std::vector<TaskRow> take_claimable(
    Session& session, const Worker& worker, std::int64_t limit, Timestamp now
) {
    return next_tasks(session, "task.take", worker, limit, now);
}

Histogram read_histogram(Session& session, const std::string& scope, const std::string& name) {
    Histogram histogram;
    for (const auto& row : session.rows("histogram.read", Json{{"scope", scope}, {"name", name}})) {
        histogram[row.at("bucket").get<int>()] = Bucket{
            .count = row.at("count").get<std::int64_t>(), .sum = row.at("sum").get<std::int64_t>()};
    }
    return histogram;
}

tl::unexpected<Error> no_task(const TaskId& id) {
    return fail(Errc::not_found, "no task \"" + id.value + "\"");
}

tl::unexpected<Error> no_worker(const WorkerId& id) {
    return fail(Errc::not_found, "no worker \"" + id.value + "\"");
}

}  // namespace opslab::sql
