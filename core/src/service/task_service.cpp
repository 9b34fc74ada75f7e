#include "service/task_service.hpp"

#include <utility>

namespace opslab {

TaskService::TaskService(
    Storage& storage, Clock& clock, Entropy& entropy, ChangeHub& hub, ServiceObserver& observer
)
    : storage_(storage),
      clock_(clock),
      entropy_(entropy),
      hub_(hub),
      observer_(observer),
      submissions_(
          [this](std::span<const Submission> batch) { return commit_submissions(batch); }, {}
      ),
      cancels_([this](std::span<const TaskId> batch) { return commit_cancels(batch); }, {}) {}

void TaskService::submit(
    std::vector<NewTask> tasks,
    std::optional<IdempotencyKey> key,
    Reply<Submitted> reply,
    std::optional<Error> refusal
) {
    if (refusal && !key) {
        reply(fail(*std::move(refusal)));
        return;
    }
    for (auto& task : tasks) {
        task.id = TaskId{make_uuid(clock_.now(), entropy_)};
    }
    submissions_.add({std::move(tasks), std::move(key), std::move(refusal)}, std::move(reply));
}

Result<std::vector<Result<Submitted>>> TaskService::commit_submissions(
    std::span<const Submission> submissions
) {
    observer_.committed("submit", submissions.size());
    auto results = storage_.tasks().submit(submissions);
    if (!results) {
        return results;
    }
    std::size_t stored = 0;
    for (const auto& result : *results) {
        if (result && !result->replayed) {
            stored += result->tasks.size();
        }
    }
    if (stored > 0) {
        observer_.tasks_submitted(stored);
        hub_.tasks_pending();
    }
    return results;
}

Result<TaskDetail> TaskService::detail(const TaskId& task) {
    auto found = storage_.tasks().details(std::span(&task, 1));
    if (!found) {
        return fail(std::move(found.error()));
    }
    if (found->empty()) {
        return fail(Errc::not_found, "no task \"" + task.value + "\"");
    }
    return std::move(found->front());
}

Result<std::vector<TaskDetail>> TaskService::details(const std::vector<TaskId>& tasks) {
    return storage_.tasks().details(tasks);
}

Result<TaskPage> TaskService::list(const TaskQuery& query) {
    return storage_.tasks().list(query);
}

Result<TaskStats> TaskService::stats() {
    return storage_.tasks().stats();
}

Result<QueueCounts> TaskService::counts() {
    return storage_.tasks().counts();
}

void TaskService::cancel(const TaskId& task, Reply<Task> reply) {
    cancels_.add(task, std::move(reply));
}

Result<std::vector<Result<Task>>> TaskService::commit_cancels(std::span<const TaskId> tasks) {
    observer_.committed("cancel", tasks.size());
    auto results = storage_.tasks().cancel(tasks);
    if (!results) {
        return results;
    }
    for (const auto& result : *results) {
        if (!result) {
            continue;
        }
        hub_.task_changed(result->id);
        if (result->parameters.callback_url) {
            hub_.callback_due();
        }
        if (result->worker_id) {
            observer_.attempt_ended(
                TaskStatus::cancelled,
                result->updated_at - result->started_at.value_or(result->updated_at)
            );
            hub_.worker_should_look(*result->worker_id);
            hub_.attempt_finished();
        }
    }
    return results;
}

Result<std::vector<StoredLog>> TaskService::logs(const LogQuery& query) {
    auto logs = storage_.history().logs(query);
    if (logs && logs->empty()) {
        // an empty page of a task is fine; an unknown task is not
        if (auto known = detail(query.task); !known) {
            return fail(std::move(known.error()));
        }
    }
    return logs;
}

Result<TaskService::Trajectory> TaskService::trajectory(const TaskId& task) {
    auto known = detail(task);
    if (!known) {
        return fail(std::move(known.error()));
    }
    const int attempt = known->task.attempt;
    if (attempt == 0) {
        return Trajectory{};
    }
    auto found = steps(task, attempt);
    if (!found) {
        return fail(std::move(found.error()));
    }
    return Trajectory{attempt, std::move(*found)};
}

Result<std::vector<StoredStep>> TaskService::steps(const TaskId& task, int attempt) {
    return storage_.history().steps(task, attempt);
}

Result<std::vector<StoredEvent>> TaskService::events(
    const TaskId& task, std::int64_t after_seq, int limit
) {
    return storage_.history().events(task, after_seq, limit);
}

Result<FeedPage> TaskService::feed(const FeedQuery& query) {
    return storage_.history().feed(query);
}

}  // namespace opslab
