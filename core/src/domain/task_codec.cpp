#include "domain/task_codec.hpp"

#include "base/rfc3339.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace opslab {

namespace {

template <class Value>
Json or_null(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json time_or_null(const std::optional<Timestamp>& at) {
    return at ? Json(format_time(*at)) : Json(nullptr);
}

/// JSON that the storage keeps as text. It was checked when it came in; a damaged row shows as
/// what it is instead of spoiling the answer.
Json kept_json(const std::string& text) {
    auto parsed = parse_json(text);
    return parsed ? std::move(*parsed) : Json(text);
}

double seconds_between(Timestamp begin, Timestamp end) {
    return std::chrono::duration<double>(end - begin).count();
}

Json phases_json(const TaskDetail& detail) {
    Json phases = {
        {"queue", nullptr},
        {"prepare", nullptr},
        {"setup", nullptr},
        {"loop", nullptr},
        {"evaluate", nullptr},
        {"teardown", nullptr},
    };
    if (!detail.attempts.empty()) {
        phases["queue"] =
            seconds_between(detail.task.created_at, detail.attempts.front().started_at);
    }
    for (const auto& span : detail.phases) {
        if (phases.contains(span.name) && span.end) {
            phases[span.name] = seconds_between(span.begin, *span.end);
        }
    }
    return phases;
}

Json attempt_json(const Attempt& attempt) {
    return {
        {"attempt", attempt.attempt},
        {"worker_id", attempt.worker_id.value},
        {"status", to_string(attempt.status)},
        {"started_at", format_time(attempt.started_at)},
        {"deadline", format_time(attempt.deadline)},
        {"completed_at", time_or_null(attempt.completed_at)},
        {"failure", attempt.failure ? to_json(*attempt.failure) : Json(nullptr)},
    };
}

Json group_json(std::string_view key, const std::vector<GroupCounts>& groups) {
    Json rows = Json::array();
    for (const auto& group : groups) {
        Json row = to_json(group.counts);
        row[std::string(key)] = group.name;
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace

Json to_json(const Task& task) {
    const auto& parameters = task.parameters;
    return {
        {"id", task.id.value},
        {"problem_id", task.problem_id},
        {"status", to_string(task.status)},
        {"parameters",
         {
             {"agent_config", kept_json(parameters.agent_config_json)},
             {"max_steps", parameters.max_steps},
             {"timeout_minutes", parameters.timeout_minutes},
             {"callback_url", or_null(parameters.callback_url)},
             {"metadata", kept_json(parameters.metadata_json)},
             {"priority", parameters.priority},
             {"max_retries", parameters.max_retries},
         }},
        {"backend_type", or_null(task.backend_type)},
        {"group_id", or_null(task.group_id)},
        {"worker_id", task.worker_id ? Json(task.worker_id->value) : Json(nullptr)},
        {"attempt", task.attempt},
        {"created_at", format_time(task.created_at)},
        {"updated_at", format_time(task.updated_at)},
        {"started_at", time_or_null(task.started_at)},
        {"completed_at", time_or_null(task.completed_at)},
    };
}

Json to_json(const TaskDetail& detail) {
    Json json = to_json(detail.task);
    json["result"] = to_json(detail.result);
    json["error_details"] = or_null(detail.error_details);
    json["failure"] = detail.failure ? to_json(*detail.failure) : Json(nullptr);
    json["attempts"] = Json::array();
    for (const auto& attempt : detail.attempts) {
        json["attempts"].push_back(attempt_json(attempt));
    }
    json["phases"] = phases_json(detail);
    return json;
}

Json to_json(const StoredLog& entry) {
    return {
        {"id", entry.log.id.value},
        {"timestamp", format_time(entry.log.at)},
        {"level", to_string(entry.log.level)},
        {"message", entry.log.message},
        {"context", kept_json(entry.log.context_json)},
        {"attempt", entry.attempt},
    };
}

Json to_json(const StoredStep& step) {
    Json json = kept_json(step.step.body_json);
    if (!json.is_object()) {
        json = Json::object();
    }
    json["step"] = step.step.step;
    json["timestamp"] = format_time(step.step.at);
    json["attempt"] = step.attempt;
    return json;
}

Json to_json(const TaskOrigin& origin) {
    Json json = Json::object();
    if (origin.request_id) {
        json["request_id"] = *origin.request_id;
    }
    if (origin.traceparent) {
        json["traceparent"] = *origin.traceparent;
    }
    return json;
}

Json to_json(const Failure& failure) {
    return {
        {"kind", to_string(failure.kind)},
        {"phase", failure.phase.empty() ? Json(nullptr) : Json(failure.phase)},
        {"message", failure.message},
    };
}

Json to_json(const StatusCounts& counts) {
    return {
        {"pending", counts.pending},
        {"running", counts.running},
        {"completed", counts.completed},
        {"failed", counts.failed},
        {"timeout", counts.timeout},
        {"cancelled", counts.cancelled},
    };
}

Json to_json(const DurationStats& stats) {
    return {
        {"avg", or_null(stats.average)},
        {"p50", or_null(stats.p50)},
        {"p95", or_null(stats.p95)},
    };
}

Json to_json(const TaskStats& stats) {
    const auto& counts = stats.by_status;
    const auto ended = counts.completed + counts.failed + counts.timeout;
    const auto total = counts.pending + counts.running + ended + counts.cancelled;
    return {
        {"total", total},
        {"by_status", to_json(counts)},
        // of the tasks that ran to an end, how many solved their problem
        {"success_rate",
         ended == 0 ? Json(nullptr)
                    : Json(static_cast<double>(stats.successes) / static_cast<double>(ended))},
        {"duration_seconds", to_json(stats.duration)},
        {"queue_seconds", to_json(stats.queue)},
        {"by_problem", group_json("problem_id", stats.by_problem)},
        {"by_worker", group_json("worker_id", stats.by_worker)},
    };
}

Json to_json(const std::optional<TaskResult>& result) {
    return result ? kept_json(result->result_json) : Json(nullptr);
}

Json to_json(const Task& task, const StatusEvent& event) {
    Task then = task;
    then.status = event.status;
    then.worker_id = event.worker_id;
    then.attempt = event.attempt;
    then.updated_at = event.at;
    then.started_at = event.started_at;
    then.completed_at = event.completed_at;
    return to_json(then);
}

}  // namespace opslab
