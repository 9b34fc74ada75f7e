#include "roles.hpp"

#include <algorithm>

namespace opslab::memory {

namespace {

bool has_nul(const std::optional<std::string>& text) {
    return text && text->find('\0') != std::string::npos;
}

bool has_nul(const NewTask& task) {
    const auto& parameters = task.parameters;
    return has_nul(task.id.value) || has_nul(task.problem_id) || has_nul(task.backend_type) ||
           has_nul(task.group_id) || has_nul(parameters.agent_config_json) ||
           has_nul(parameters.metadata_json) || has_nul(parameters.callback_url);
}

std::vector<Task> insert(Rows& rows, const std::vector<NewTask>& given, Timestamp at) {
    std::vector<Task> tasks;
    for (const auto& one : given) {
        if (!tasks.empty() && one.id <= tasks.back().id) {
            at += Duration{1};  // ids need not rise; the order of creation must
        }
        TaskRow row;
        row.task.id = one.id;
        row.task.problem_id = one.problem_id;
        row.task.parameters = one.parameters;
        row.task.backend_type = one.backend_type;
        row.task.origin = one.origin;
        row.task.group_id = one.group_id;
        row.task.created_at = at;
        row.task.updated_at = at;
        append_status(row, at);
        tasks.push_back(row.task);
        rows.tasks.emplace(one.id, std::move(row));
    }
    return tasks;
}

Result<Submitted> replay(const Rows& rows, const KeyRow& known, const IdempotencyKey& key) {
    if (known.fingerprint != key.fingerprint) {
        return fail(Error{
            .code = Errc::conflict,
            .message = "the idempotency key was used before with another body",
            .reason = "idempotency_conflict"});
    }
    Submitted submitted{.replayed = true};
    for (const auto& id : known.tasks) {
        submitted.tasks.push_back(rows.tasks.at(id).task);
    }
    return submitted;
}

Result<Submitted> submit_one(Rows& rows, const Submission& submission, Timestamp now) {
    const auto& given = submission.tasks;
    if (given.size() > static_cast<std::size_t>(kMaxTasksPerSubmission)) {
        return fail(Errc::invalid_argument, "more than 1000 tasks in one submission");
    }
    if (std::any_of(given.begin(), given.end(), [](const auto& one) { return has_nul(one); })) {
        return fail(Errc::invalid_argument, "a task's text holds a NUL character");
    }
    if (submission.key) {
        const auto known = rows.keys.find({submission.key->space, submission.key->key});
        if (known != rows.keys.end()) {
            return replay(rows, known->second, *submission.key);
        }
    }
    if (submission.refusal) {
        return fail(*submission.refusal);
    }
    Submitted submitted{.tasks = insert(rows, given, now)};
    if (submission.key) {
        KeyRow key{.fingerprint = submission.key->fingerprint};
        for (const auto& task : submitted.tasks) {
            key.tasks.push_back(task.id);
        }
        rows.keys.emplace(std::pair{submission.key->space, submission.key->key}, std::move(key));
    }
    return submitted;
}

std::vector<PhaseSpan> phases_of(const TaskRow& row) {
    std::vector<PhaseSpan> spans;
    for (const auto& event : row.events) {
        const auto* phase = std::get_if<PhaseEvent>(&event.body);
        if (phase == nullptr || event.attempt != row.task.attempt) {
            continue;
        }
        if (phase->edge == PhaseEdge::begin) {
            spans.push_back(PhaseSpan{.name = phase->name, .begin = phase->at});
            continue;
        }
        const auto open = std::find_if(spans.rbegin(), spans.rend(), [&](const auto& span) {
            return span.name == phase->name && !span.end;
        });
        if (open != spans.rend()) {
            open->end = phase->at;
        }
    }
    return spans;
}

TaskDetail detail_of(const TaskRow& row) {
    TaskDetail detail{.task = row.task, .phases = phases_of(row)};
    for (const auto& one : row.attempts) {
        detail.attempts.push_back(one.attempt);
        detail.result = one.result;
        detail.error_details = one.error_details;
        detail.failure = one.attempt.failure;
    }
    if (row.task.status == TaskStatus::cancelled && !row.task.started_at) {
        detail.failure =
            Failure{.kind = FailureKind::cancelled, .message = "cancelled while it waited"};
    }
    return detail;
}

Result<Task> cancel_one(Rows& rows, const TaskId& id, Timestamp now) {
    const auto found = rows.tasks.find(id);
    if (found == rows.tasks.end()) {
        return no_task(id);
    }
    auto& row = found->second;
    if (is_terminal(row.task.status)) {
        return fail(
            Errc::conflict,
            "task \"" + id.value + "\" is already " + std::string{to_string(row.task.status)}
        );
    }
    if (row.task.status == TaskStatus::pending) {
        cancel_waiting(rows, row, now);
        return row.task;
    }
    const Failure failure{.kind = FailureKind::cancelled, .message = "cancelled while it ran"};
    end_attempt(rows, row, Ending{.event = TaskEvent::cancel_asked, .failure = failure}, now);
    const auto worker = rows.workers.find(row.attempts.back().attempt.worker_id);
    if (worker != rows.workers.end()) {
        worker->second.cancels.emplace(id, false);
    }
    return row.task;
}

}  // namespace

Result<std::vector<Result<Submitted>>> MemoryTasks::submit(std::span<const Submission> submissions
) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<Result<Submitted>> answers;
    for (const auto& submission : submissions) {
        answers.push_back(submit_one(rows_, submission, now));
    }
    return answers;
}

Result<std::vector<TaskDetail>> MemoryTasks::details(std::span<const TaskId> ids) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<TaskDetail> details;
    for (const auto& id : ids) {
        const auto found = rows_.tasks.find(id);
        if (found != rows_.tasks.end()) {
            details.push_back(detail_of(found->second));
        }
    }
    return details;
}

Result<std::vector<Result<Task>>> MemoryTasks::cancel(std::span<const TaskId> ids) {
    const std::lock_guard lock(rows_.mutex);
    const auto now = rows_.host.clock.now();
    std::vector<Result<Task>> answers;
    for (const auto& id : ids) {
        answers.push_back(cancel_one(rows_, id, now));
    }
    return answers;
}

}  // namespace opslab::memory
