#include "remote/answers.hpp"

#include "base/rfc3339.hpp"
#include "domain/run_event.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace opslab {

namespace {

/// Levels of an event's own objects: a post has four more around them, and 64 in all.
constexpr int kMaxEventDepth = 58;

tl::unexpected<Error> strange(const std::string& what) {
    return fail(Errc::unavailable, "the answer is not a coordinator's: " + what);
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::string> optional_text(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) {
        return std::nullopt;
    }
    return found->get<std::string>();
}

std::int64_t integer_of(const Json& object, const char* key, std::int64_t otherwise) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                               : otherwise;
}

/// 0 where it is not told, or makes no sense.
Duration lease_of(const Json& object) {
    constexpr double kDay = 86400;  // a coordinator's longest time-out is far below
    const auto found = object.find("lease_seconds");
    const double seconds = found != object.end() && found->is_number() ? found->get<double>() : 0.0;
    return seconds > 0 && seconds <= kDay
               ? std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))
               : Duration{0};
}

std::optional<Timestamp> time_of(const Json& object, const char* key) {
    return parse_time(text_of(object, key));
}

std::string object_text(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_object() ? dump_json(*found) : std::string("{}");
}

TaskStatus status_from(const std::string& name) {
    for (const auto status : kTaskStatuses) {
        if (name == to_string(status)) {
            return status;
        }
    }
    return TaskStatus::running;
}

TaskParameters parameters_of(const Json& task) {
    TaskParameters parameters;
    const auto found = task.find("parameters");
    if (found == task.end() || !found->is_object()) {
        return parameters;
    }
    parameters.agent_config_json = object_text(*found, "agent_config");
    parameters.metadata_json = object_text(*found, "metadata");
    parameters.max_steps = static_cast<int>(integer_of(*found, "max_steps", 30));
    parameters.timeout_minutes = static_cast<int>(integer_of(*found, "timeout_minutes", 30));
    parameters.callback_url = optional_text(*found, "callback_url");
    parameters.priority = static_cast<int>(integer_of(*found, "priority", 5));
    parameters.max_retries = static_cast<int>(integer_of(*found, "max_retries", 0));
    return parameters;
}

TaskOrigin origin_of(const Json& task) {
    const auto found = task.find("origin");
    if (found == task.end() || !found->is_object()) {
        return {};
    }
    return {
        .request_id = optional_text(*found, "request_id"),
        .traceparent = optional_text(*found, "traceparent")};
}

/// The object without what is nested too deeply for a post.
Json shallow(const std::string& text) {
    return parse_json(text, kMaxEventDepth).value_or(Json::object());
}

/// Calls `read(task, deadline)` for each of `{"tasks": […]}`.
template <class Read>
Status each_attempt(const Json& answer, Read read) {
    if (!answer.is_object() || !answer.contains("tasks") || !answer["tasks"].is_array()) {
        return strange("it has no tasks");
    }
    for (const auto& item : answer["tasks"]) {
        auto task = read_task(item);
        if (!task) {
            return fail(std::move(task.error()));
        }
        const auto deadline = time_of(item, "deadline");
        if (!deadline) {
            return strange("an attempt has no deadline");
        }
        read(item, std::move(*task), *deadline);
    }
    return {};
}

}  // namespace

Result<Task> read_task(const Json& answer) {
    if (!answer.is_object() || text_of(answer, "id").empty()) {
        return strange("it is no task");
    }
    Task task;
    task.id = TaskId{text_of(answer, "id")};
    task.problem_id = text_of(answer, "problem_id");
    task.status = status_from(text_of(answer, "status"));
    task.parameters = parameters_of(answer);
    task.backend_type = optional_text(answer, "backend_type");
    task.group_id = optional_text(answer, "group_id");
    if (auto worker = optional_text(answer, "worker_id")) {
        task.worker_id = WorkerId{std::move(*worker)};
    }
    task.origin = origin_of(answer);
    task.attempt = static_cast<int>(integer_of(answer, "attempt", 0));
    task.created_at = time_of(answer, "created_at").value_or(Timestamp{});
    task.updated_at = time_of(answer, "updated_at").value_or(Timestamp{});
    task.started_at = time_of(answer, "started_at");
    task.completed_at = time_of(answer, "completed_at");
    return task;
}

Result<Worker> read_worker(const Json& answer) {
    if (!answer.is_object() || text_of(answer, "id").empty()) {
        return strange("it is no worker");
    }
    Worker worker;
    worker.id = WorkerId{text_of(answer, "id")};
    worker.backend_type = text_of(answer, "backend_type");
    const auto status = text_of(answer, "status");
    worker.status = status == "offline" ? WorkerStatus::offline
                    : status == "busy"  ? WorkerStatus::busy
                                        : WorkerStatus::idle;
    worker.last_heartbeat = time_of(answer, "last_heartbeat").value_or(Timestamp{});
    worker.registered_at = time_of(answer, "registered_at").value_or(Timestamp{});
    worker.capabilities_json = object_text(answer, "capabilities");
    worker.metadata_json = object_text(answer, "metadata");
    worker.tasks_completed = integer_of(answer, "tasks_completed", 0);
    worker.tasks_failed = integer_of(answer, "tasks_failed", 0);
    if (auto task = optional_text(answer, "current_task_id")) {
        worker.current_task_id = TaskId{std::move(*task)};
    }
    return worker;
}

Result<HeartbeatReceipt> read_heartbeat(const Json& answer) {
    if (!answer.is_object() || !answer.contains("cancel") || !answer["cancel"].is_array()) {
        return strange("it does not acknowledge a heartbeat");
    }
    HeartbeatReceipt receipt;
    for (const auto& task : answer["cancel"]) {
        if (task.is_string()) {
            receipt.cancel.emplace_back(task.get<std::string>());
        }
    }
    if (auto next = optional_text(answer, "next_task_id")) {
        receipt.next_task = TaskId{std::move(*next)};
    }
    return receipt;
}

Result<ReportReceipt> read_receipt(const Json& answer) {
    const auto deadline = answer.is_object() ? time_of(answer, "deadline") : std::nullopt;
    if (!deadline) {
        return strange("it does not acknowledge events");
    }
    return ReportReceipt{
        .deadline = *deadline,
        .last_seq = integer_of(answer, "sequence", 0),
        .lease = lease_of(answer)};
}

Result<std::vector<ClaimedTask>> read_claimed(const Json& answer) {
    std::vector<ClaimedTask> claimed;
    auto read = each_attempt(answer, [&](const Json& item, Task task, Timestamp deadline) {
        claimed.push_back(
            {std::move(task), deadline, integer_of(item, "sequence", 0), lease_of(item)}
        );
    });
    if (!read) {
        return fail(std::move(read.error()));
    }
    return claimed;
}

Result<std::vector<RunningAttempt>> read_running(const Json& answer) {
    std::vector<RunningAttempt> running;
    auto read = each_attempt(answer, [&](const Json& item, Task task, Timestamp deadline) {
        running.push_back(
            {std::move(task),
             deadline,
             optional_text(item, "handle"),
             integer_of(item, "sequence", 0)}
        );
    });
    if (!read) {
        return fail(std::move(read.error()));
    }
    return running;
}

Error read_error(long status, const std::string& body, const std::string& request_id) {
    const auto json = parse_json(body, kMaxAnswerDepth);
    const bool ours = json && json->is_object() && json->contains("code");
    const auto answered = "the coordinator answered " + std::to_string(status);
    if (!ours) {
        return {
            .code = Errc::unavailable, .message = answered + ", not in the form of a coordinator"};
    }
    const auto reason = text_of(*json, "code");
    const auto code = [&] {
        switch (status) {
            case 400:
            case 413:
            case 415:
                return Errc::invalid_argument;
            case 404:
                return reason == "not_found" ? Errc::not_found : Errc::unavailable;
            case 409:
                return reason == "stale_attempt" ? Errc::stale_attempt : Errc::conflict;
            default:
                // 401 too: a token can be put right while a run goes on
                return Errc::unavailable;
        }
    }();
    const auto where =
        status >= 500 && !request_id.empty() ? " (request " + request_id + ")" : std::string();
    return {
        .code = code,
        .message = answered + ": " + text_of(*json, "error") + where,
        .reason = reason,
    };
}

std::string write_event(const RunEvent& event) {
    if (const auto* log = std::get_if<LogEvent>(&event)) {
        LogEvent sent = *log;
        sent.context_json = dump_json(shallow(log->context_json));
        return dump_json(to_json(RunEvent{std::move(sent)}));
    }
    if (const auto* step = std::get_if<StepEvent>(&event)) {
        const Json said = shallow(step->body_json);
        Json sent = {{"step", step->step}, {"observation", ""}, {"action", ""}};
        for (const char* key : {"observation", "action", "reward", "usage", "latency_ms"}) {
            if (said.contains(key)) {
                sent[key] = said[key];
            }
        }
        sent["type"] = "step";
        sent["timestamp"] = format_time(step->at);
        return dump_json(sent);
    }
    return dump_json(to_json(event));
}

}  // namespace opslab
