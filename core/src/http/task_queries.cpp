#include "http/task_queries.hpp"

#include "base/json.hpp"
#include "service/cursor.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <limits>

namespace opslab {

namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxBackend = 63;
constexpr std::size_t kMaxCursor = 1024;
// No list is longer; keeps offset + limit far from overflow in every storage.
constexpr std::int64_t kFarthestOffset = 1'000'000'000'000;
constexpr const char* kBadCursor = "is no cursor of this list with this sort and these filters";

TaskSort sort_from(const std::string& name) {
    if (name == "created_at") {
        return TaskSort::created_up;
    }
    if (name == "priority") {
        return TaskSort::priority_up;
    }
    return name == "-priority" ? TaskSort::priority_down : TaskSort::created_down;
}

bool sorts_by_priority(TaskSort sort) {
    return sort == TaskSort::priority_up || sort == TaskSort::priority_down;
}

Json or_null(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
}

std::string scope_of(const TaskQuery& query) {
    const Json scope = {
        "tasks",
        static_cast<int>(query.sort),
        query.status ? static_cast<int>(*query.status) : -1,
        or_null(query.problem_id),
        query.worker_id ? Json(query.worker_id->value) : Json(nullptr),
        or_null(query.backend_type),
        or_null(query.group_id),
    };
    return dump_json(scope);
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stop == end ? std::optional(number) : std::nullopt;
}

std::optional<TaskCursor> open_task_cursor(const std::string& scope, const std::string& cursor) {
    const auto values = open_cursor(scope, cursor, 2);
    if (!values) {
        return std::nullopt;
    }
    const auto value = parse_number(values->front());
    if (!value || !is_uuid(values->back())) {
        return std::nullopt;
    }
    return TaskCursor{*value, TaskId{values->back()}};
}

LogLevel level_from(const std::string& name) {
    for (const auto level :
         {LogLevel::debug,
          LogLevel::info,
          LogLevel::warning,
          LogLevel::error,
          LogLevel::critical}) {
        if (name == to_string(level)) {
            return level;
        }
    }
    return LogLevel::debug;
}

}  // namespace

std::optional<std::int64_t> parse_position(std::string_view text) {
    const auto number = parse_number(text);
    return number && *number >= 0 ? number : std::nullopt;
}

TaskListRequest read_task_list(RequestFields& fields) {
    TaskListRequest request;
    auto& query = request.query;
    const std::vector<std::string_view> statuses(
        {"pending", "running", "completed", "failed", "timeout", "cancelled"}
    );
    if (const auto status = fields.word("status", statuses)) {
        query.status = task_status_from(*status);
    }
    query.problem_id = fields.text("problem_id", 1, kMaxName);
    query.worker_id = fields.worker("worker_id");
    query.backend_type = fields.text("backend_type", 1, kMaxBackend);
    query.group_id = fields.text("group_id", 1, kMaxName);
    query.sort =
        sort_from(fields.word("sort", {"created_at", "-created_at", "priority", "-priority"})
                      .value_or("-created_at"));
    query.limit = static_cast<int>(fields.integer("limit", 1, 100).value_or(20));
    const auto offset = fields.integer("offset", 0, std::numeric_limits<std::int64_t>::max());
    request.offset = offset.value_or(0);
    query.offset = std::min(request.offset, kFarthestOffset);
    request.scope = scope_of(query);
    if (const auto cursor = fields.text("cursor", 0, kMaxCursor)) {
        query.after = open_task_cursor(request.scope, *cursor);
        if (!query.after) {
            fields.refuse("cursor", kBadCursor);
        }
        if (offset) {
            fields.refuse("offset", "cannot be given together with cursor");
        }
    }
    return request;
}

std::optional<std::string> next_cursor(const TaskListRequest& request, const TaskPage& page) {
    if (!page.more || page.tasks.empty()) {
        return std::nullopt;
    }
    const auto& last = page.tasks.back();
    const std::int64_t value = sorts_by_priority(request.query.sort) ? last.parameters.priority
                                                                     : to_micros(last.created_at);
    return seal_cursor(request.scope, {std::to_string(value), last.id.value});
}

LogListRequest read_log_list(const TaskId& task, RequestFields& fields) {
    LogListRequest request;
    auto& query = request.query;
    query.task = task;
    query.min_level = level_from(
        fields.word("level", {"debug", "info", "warning", "error", "critical"}).value_or("debug")
    );
    query.since = fields.time("since");
    query.limit = static_cast<int>(fields.integer("limit", 1, 1000).value_or(100));
    request.scope = dump_json(Json{
        "logs",
        task.value,
        to_string(query.min_level),
        query.since ? Json(to_micros(*query.since)) : Json(nullptr)});
    if (const auto cursor = fields.text("cursor", 0, kMaxCursor)) {
        const auto values = open_cursor(request.scope, *cursor, 1);
        const auto seq = values ? parse_position(values->front()) : std::nullopt;
        if (!seq) {
            fields.refuse("cursor", kBadCursor);
        }
        query.after_seq = seq.value_or(0);
    }
    return request;
}

std::string next_cursor(const LogListRequest& request, const std::vector<StoredLog>& logs) {
    const auto seq = logs.empty() ? request.query.after_seq : logs.back().seq;
    return seal_cursor(request.scope, {std::to_string(seq)});
}

}  // namespace opslab
