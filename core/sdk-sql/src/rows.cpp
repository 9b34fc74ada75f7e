#include "rows.hpp"

#include <array>
#include <charconv>
#include <stdexcept>

namespace opslab::sql {

namespace {

std::optional<std::string> text_of(const Json& row, const char* key) {
    const auto& value = row.at(key);
    return value.is_null() ? std::nullopt : std::optional{value.get<std::string>()};
}

template <class Id>
std::optional<Id> id_of(const Json& row, const char* key) {
    auto text = text_of(row, key);
    return text ? std::optional{Id{std::move(*text)}} : std::nullopt;
}

Timestamp time_of(const Json& row, const char* key) {
    return from_micros(row.at(key).get<std::int64_t>());
}

std::optional<Timestamp> maybe_time_of(const Json& row, const char* key) {
    return row.at(key).is_null() ? std::nullopt : std::optional{time_of(row, key)};
}

TaskStatus status_of(const std::string& name) {
    const auto status = task_status_from(name);
    if (!status) {
        throw std::logic_error("unknown status in the database");
    }
    return *status;
}

template <class Enum>
Enum one_of(const std::string& name, std::initializer_list<Enum> all) {
    for (const auto value : all) {
        if (name == to_string(value)) {
            return value;
        }
    }
    throw std::logic_error("unknown word in the database");
}

std::optional<double> double_of(const Json& row, const char* key) {
    const auto text = text_of(row, key);
    if (!text) {
        return std::nullopt;
    }
    double number = 0;
    std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

// A NUL would cut the text short on its way through SQL.
std::string without_nul(std::string text) {
    std::size_t at = 0;
    while ((at = text.find('\0', at)) != std::string::npos) {
        text.replace(at, 1, "\xef\xbf\xbd");
    }
    return text;
}

std::optional<Failure> failure_of(const Json& row) {
    const auto kind = text_of(row, "failure_kind");
    if (!kind) {
        return std::nullopt;
    }
    return Failure{
        .kind = one_of(
            *kind,
            {FailureKind::task,
             FailureKind::infrastructure,
             FailureKind::timeout,
             FailureKind::cancelled,
             FailureKind::worker_lost}
        ),
        .phase = text_of(row, "failure_phase").value_or(""),
        .message = text_of(row, "failure_message").value_or("")};
}

}  // namespace

TaskRow task_row(const Json& row) {
    TaskRow loaded;
    auto& task = loaded.task;
    task.id = TaskId{row.at("id").get<std::string>()};
    task.problem_id = row.at("problem_id").get<std::string>();
    task.status = status_of(row.at("status").get<std::string>());
    task.parameters = TaskParameters{
        .agent_config_json = row.at("agent_config").get<std::string>(),
        .max_steps = row.at("max_steps").get<int>(),
        .timeout_minutes = row.at("timeout_minutes").get<int>(),
        .callback_url = text_of(row, "callback_url"),
        .metadata_json = row.at("metadata").get<std::string>(),
        .priority = row.at("priority").get<int>(),
        .max_retries = row.at("max_retries").get<int>()};
    task.backend_type = text_of(row, "backend_type");
    task.group_id = text_of(row, "group_id");
    task.origin = {
        .request_id = text_of(row, "request_id"), .traceparent = text_of(row, "traceparent")};
    task.worker_id = id_of<WorkerId>(row, "worker_id");
    task.attempt = row.at("attempt").get<int>();
    task.created_at = time_of(row, "created_at");
    task.updated_at = time_of(row, "updated_at");
    task.started_at = maybe_time_of(row, "started_at");
    task.completed_at = maybe_time_of(row, "completed_at");
    task.not_before = maybe_time_of(row, "not_before");
    loaded.last_seq = row.at("last_seq").get<std::int64_t>();
    return loaded;
}

AttemptRow attempt_row(const Json& row) {
    AttemptRow loaded;
    loaded.task = TaskId{row.at("task_id").get<std::string>()};
    loaded.attempt = Attempt{
        .attempt = row.at("attempt").get<int>(),
        .worker_id = WorkerId{row.at("worker_id").get<std::string>()},
        .status = status_of(row.at("status").get<std::string>()),
        .started_at = time_of(row, "started_at"),
        .deadline = time_of(row, "deadline"),
        .completed_at = maybe_time_of(row, "completed_at"),
        .failure = failure_of(row)};
    loaded.lease_until = time_of(row, "lease_until");
    loaded.error_details = text_of(row, "error_details");
    loaded.handle = text_of(row, "handle");
    loaded.digest = text_of(row, "digest");
    if (auto result = text_of(row, "result"); result) {
        loaded.result = TaskResult{
            .result_json = std::move(*result),
            .success = row.at("success").get<int>() != 0,
            .reward = double_of(row, "reward")};
    }
    loaded.position = row.at("position").is_null() ? 0 : row.at("position").get<std::int64_t>();
    return loaded;
}

WorkerRow worker_row(const Json& row) {
    WorkerRow loaded;
    loaded.worker = Worker{
        .id = WorkerId{row.at("id").get<std::string>()},
        .backend_type = row.at("backend_type").get<std::string>(),
        .status = one_of(
            row.at("status").get<std::string>(),
            {WorkerStatus::idle, WorkerStatus::busy, WorkerStatus::offline}
        ),
        .last_heartbeat = time_of(row, "last_heartbeat"),
        .current_task_id = id_of<TaskId>(row, "current_task_id"),
        .max_parallel_tasks = row.at("max_parallel_tasks").get<int>(),
        .supported_problems = Json::parse(row.at("supported_problems").get<std::string>())
                                  .get<std::vector<std::string>>(),
        .capabilities_json = row.at("capabilities").get<std::string>(),
        .metadata_json = row.at("metadata").get<std::string>(),
        .registered_at = time_of(row, "registered_at"),
        .tasks_completed = row.at("tasks_completed").get<std::int64_t>(),
        .tasks_failed = row.at("tasks_failed").get<std::int64_t>(),
        .circuit_open = text_of(row, "circuit_open")};
    loaded.running = row.at("running").get<std::int64_t>();
    return loaded;
}

StoredEvent stored_event(const Json& row) {
    StoredEvent event;
    event.seq = row.at("seq").get<std::int64_t>();
    event.attempt = row.at("attempt").get<int>();
    const auto at = time_of(row, "at");
    const auto kind = row.at("kind").get<std::string>();
    auto text = row.at("text").get<std::string>();
    if (kind == "log") {
        event.body = LogEvent{
            .id = LogId{row.at("ref").get<std::string>()},
            .at = at,
            .level = static_cast<LogLevel>(row.at("number").get<int>()),
            .message = std::move(text),
            .context_json = row.at("extra").get<std::string>()};
    } else if (kind == "step") {
        event.body =
            StepEvent{.at = at, .step = row.at("number").get<int>(), .body_json = std::move(text)};
    } else if (kind == "phase") {
        event.body = PhaseEvent{
            .at = at,
            .name = row.at("ref").get<std::string>(),
            .edge = text == "begin" ? PhaseEdge::begin : PhaseEdge::end};
    } else {
        const auto extra = Json::parse(row.at("extra").get<std::string>());
        event.body = StatusEvent{
            .at = at,
            .status = status_of(text),
            .worker_id = id_of<WorkerId>(extra, "worker_id"),
            .attempt = event.attempt,
            .started_at = maybe_time_of(extra, "started_at"),
            .completed_at = maybe_time_of(extra, "completed_at")};
    }
    return event;
}

StatusCounts status_counts(const Json& row) {
    if (row.is_null()) {
        return {};
    }
    return StatusCounts{
        .pending = row.at("pending").get<std::int64_t>(),
        .running = row.at("running").get<std::int64_t>(),
        .completed = row.at("completed").get<std::int64_t>(),
        .failed = row.at("failed").get<std::int64_t>(),
        .timeout = row.at("timeout").get<std::int64_t>(),
        .cancelled = row.at("cancelled").get<std::int64_t>()};
}

Json event_row(const TaskId& task, std::int64_t seq, int attempt, const RunEvent& event) {
    Json row{{"task_id", task.value}, {"seq", seq}, {"attempt", attempt}};
    if (const auto* line = std::get_if<LogEvent>(&event); line != nullptr) {
        row["kind"] = "log";
        row["at"] = to_micros(line->at);
        row["number"] = static_cast<int>(line->level);
        row["ref"] = line->id.value;
        row["text"] = without_nul(line->message);
        row["extra"] = line->context_json;
    } else if (const auto* step = std::get_if<StepEvent>(&event); step != nullptr) {
        row["kind"] = "step";
        row["at"] = to_micros(step->at);
        row["number"] = step->step;
        row["text"] = step->body_json;
    } else {
        const auto& phase = std::get<PhaseEvent>(event);
        row["kind"] = "phase";
        row["at"] = to_micros(phase.at);
        row["ref"] = without_nul(phase.name);
        row["text"] = phase.edge == PhaseEdge::begin ? "begin" : "end";
    }
    return row;
}

Json event_row(const TaskId& task, std::int64_t seq, const StatusEvent& event) {
    const Json extra{
        {"worker_id", id_or_null(event.worker_id)},
        {"started_at", time_or_null(event.started_at)},
        {"completed_at", time_or_null(event.completed_at)}};
    return Json{
        {"task_id", task.value},
        {"seq", seq},
        {"attempt", event.attempt},
        {"kind", "status"},
        {"at", to_micros(event.at)},
        {"text", to_string(event.status)},
        {"extra", extra.dump()}};
}

Json exact(const std::optional<double>& number) {
    if (!number) {
        return {};
    }
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), *number);
    return std::string{text.data(), end.ptr};
}

}  // namespace opslab::sql
