#pragma once

#include <opslab/storage.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

/// Between rows (a JSON object each) and values.
namespace opslab::sql {

using Json = nlohmann::json;

/// A task with what only its writer needs.
struct TaskRow {
    Task task{};
    std::int64_t last_seq = 0;
};

struct AttemptRow {
    TaskId task{};
    Attempt attempt{};
    Timestamp lease_until{};
    std::optional<std::string> error_details{};
    std::optional<std::string> handle{};
    std::optional<std::string> digest{};
    std::optional<TaskResult> result{};
    std::int64_t position = 0;
};

struct WorkerRow {
    Worker worker{};
    std::int64_t running = 0;
};

[[nodiscard]] TaskRow task_row(const Json& row);
[[nodiscard]] AttemptRow attempt_row(const Json& row);
[[nodiscard]] WorkerRow worker_row(const Json& row);
[[nodiscard]] StoredEvent stored_event(const Json& row);
[[nodiscard]] StatusCounts status_counts(const Json& row);

/// An event as a row for `event.insert`.
[[nodiscard]] Json event_row(
    const TaskId& task, std::int64_t seq, int attempt, const RunEvent& event
);
[[nodiscard]] Json event_row(const TaskId& task, std::int64_t seq, const StatusEvent& event);

/// A double as the shortest text that reads back the same, since SQL's JSON functions round.
[[nodiscard]] Json exact(const std::optional<double>& number);

[[nodiscard]] inline Json time_or_null(const std::optional<Timestamp>& at) {
    return at ? Json(to_micros(*at)) : Json();
}

template <class Id>
[[nodiscard]] Json id_or_null(const std::optional<Id>& id) {
    return id ? Json(id->value) : Json();
}

[[nodiscard]] inline Json text_or_null(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json();
}

}  // namespace opslab::sql
