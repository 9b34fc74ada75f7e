#include "rows.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace opslab::memory {

namespace {

void move_task(TaskRow& row, TaskEvent event, Timestamp now) {
    const auto to = next_status(row.task.status, event);
    if (!to) {
        throw std::logic_error("a transition that the table does not have");
    }
    row.task.status = *to;
    row.task.updated_at = now;
    row.task.not_before.reset();
    if (is_terminal(*to)) {
        row.task.completed_at = now;
    }
}

void deliver(Rows& rows, const Task& task, Timestamp now) {
    if (!task.parameters.callback_url) {
        return;
    }
    const DeliveryId id{make_uuid(now, rows.host.entropy)};
    const Delivery delivery{
        .id = id, .task = task.id, .status = task.status, .url = *task.parameters.callback_url};
    rows.deliveries.emplace(id, DeliveryRow{.delivery = delivery, .due_at = now});
}

// After an attempt of its ended: what it worked on is no longer so.
void settle_worker(Rows& rows, const WorkerId& id, const TaskId& task, TaskStatus ended) {
    const auto found = rows.workers.find(id);
    if (found == rows.workers.end()) {
        return;
    }
    auto& worker = found->second.worker;
    if (ended == TaskStatus::completed) {
        ++worker.tasks_completed;
    } else if (ended != TaskStatus::cancelled) {
        ++worker.tasks_failed;
    }
    const auto left = running_on(rows, id);
    if (worker.current_task_id == task) {
        worker.current_task_id.reset();
        if (!left.empty()) {
            worker.current_task_id = left.front()->task.id;
        }
    }
    if (left.empty() && worker.status == WorkerStatus::busy) {
        worker.status = WorkerStatus::idle;
    }
}

bool fits(const Task& task, const Worker& worker, Timestamp now) {
    if (task.status != TaskStatus::pending || (task.not_before && *task.not_before > now)) {
        return false;
    }
    if (task.backend_type && *task.backend_type != worker.backend_type) {
        return false;
    }
    const auto& globs = worker.supported_problems;
    return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const auto& glob) {
               return glob_match(glob, task.problem_id);
           });
}

}  // namespace

tl::unexpected<Error> no_task(const TaskId& task) {
    return fail(Errc::not_found, "no task \"" + task.value + "\"");
}

tl::unexpected<Error> no_worker(const WorkerId& worker) {
    return fail(Errc::not_found, "no worker \"" + worker.value + "\"");
}

void append(TaskRow& row, int attempt, decltype(StoredEvent::body) body) {
    const auto seq = static_cast<std::int64_t>(row.events.size()) + 1;
    row.events.push_back(StoredEvent{.seq = seq, .attempt = attempt, .body = std::move(body)});
}

void append_status(TaskRow& row, Timestamp now) {
    const auto& task = row.task;
    append(
        row,
        task.attempt,
        StatusEvent{
            .at = now,
            .status = task.status,
            .worker_id = task.worker_id,
            .attempt = task.attempt,
            .started_at = task.started_at,
            .completed_at = task.completed_at}
    );
}

void begin_attempt(TaskRow& row, const WorkerId& worker, Timestamp now, Duration lease) {
    auto& task = row.task;
    move_task(row, TaskEvent::claimed, now);
    ++task.attempt;
    task.worker_id = worker;
    task.started_at = now;
    const Attempt attempt{
        .attempt = task.attempt,
        .worker_id = worker,
        .started_at = now,
        .deadline = now + std::chrono::minutes{task.parameters.timeout_minutes}};
    row.attempts.push_back(AttemptRow{.attempt = attempt, .lease_until = now + lease});
    append_status(row, now);
}

void end_attempt(Rows& rows, TaskRow& row, const Ending& ending, Timestamp now) {
    auto& task = row.task;
    auto& last = row.attempts.back();
    move_task(row, ending.event, now);
    const bool ended = is_terminal(task.status);
    last.attempt.status = ended ? task.status : TaskStatus::failed;
    last.attempt.completed_at = now;
    last.attempt.failure = ending.failure;
    last.result = ending.result;
    last.digest = ending.digest;
    if (!ending.error_details.empty()) {
        last.error_details = ending.error_details;
    }
    if (!ended) {
        task.worker_id.reset();
        task.started_at.reset();
        task.not_before = ending.not_before;
    }
    append_status(row, now);
    rows.finished.emplace_back(task.id, last.attempt.attempt);
    settle_worker(rows, last.attempt.worker_id, task.id, last.attempt.status);
    if (ended) {
        deliver(rows, task, now);
    }
}

void cancel_waiting(Rows& rows, TaskRow& row, Timestamp now) {
    move_task(row, TaskEvent::cancel_asked, now);
    append_status(row, now);
    deliver(rows, row.task, now);
}

std::vector<TaskRow*> running_on(Rows& rows, const WorkerId& worker) {
    std::vector<TaskRow*> running;
    for (auto& [id, row] : rows.tasks) {
        if (row.task.status == TaskStatus::running && row.task.worker_id == worker) {
            running.push_back(&row);
        }
    }
    std::stable_sort(running.begin(), running.end(), [](const TaskRow* a, const TaskRow* b) {
        return a->task.started_at < b->task.started_at;
    });
    return running;
}

std::vector<TaskRow*> claimable(
    Rows& rows, const Worker& worker, std::size_t limit, Timestamp now
) {
    std::vector<TaskRow*> fitting;
    for (auto& [id, row] : rows.tasks) {
        if (fits(row.task, worker, now)) {
            fitting.push_back(&row);
        }
    }
    const auto order = [](const TaskRow* row) {
        const auto& task = row->task;
        return std::tuple(-task.parameters.priority, task.created_at, task.id);
    };
    std::sort(fitting.begin(), fitting.end(), [&](const TaskRow* a, const TaskRow* b) {
        return order(a) < order(b);
    });
    fitting.resize(std::min(limit, fitting.size()));
    return fitting;
}

}  // namespace opslab::memory
