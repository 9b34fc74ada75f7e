#pragma once

#include <opslab/ids.hpp>
#include <opslab/logger.hpp>
#include <opslab/task_state.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The values that cross the storage boundary. JSON that opslab does not look into crosses as
/// text (`*_json`): always a valid UTF-8 JSON object without NUL, as checked at the REST edge.
namespace opslab {

/// How to run a task: the request's fields with defaults filled in.
struct TaskParameters {
    std::string agent_config_json{"{}"};
    int max_steps = 30;
    int timeout_minutes = 30;
    std::optional<std::string> callback_url{};
    std::string metadata_json{"{}"};
    int priority = 5;
    int max_retries = 0;

    bool operator==(const TaskParameters&) const = default;
};

/// Where a submission came from, to find it again in logs and traces. No answer shows it.
struct TaskOrigin {
    std::optional<std::string> request_id{};   ///< the client's own X-Request-ID
    std::optional<std::string> traceparent{};  ///< W3C Trace Context, version 00

    bool operator==(const TaskOrigin&) const = default;
};

/// A task as it is submitted. The id is made by the service.
struct NewTask {
    TaskId id{};
    std::string problem_id{};
    TaskParameters parameters{};
    std::optional<std::string> backend_type{};  ///< only a worker of this type may take it
    std::optional<std::string> group_id{};
    TaskOrigin origin{};

    bool operator==(const NewTask&) const = default;
};

/// Why an attempt did not finish. Only `infrastructure` and `worker_lost` are retried.
enum class FailureKind : std::uint8_t { task, infrastructure, timeout, cancelled, worker_lost };

[[nodiscard]] constexpr const char* to_string(FailureKind kind) {
    switch (kind) {
        case FailureKind::task:
            return "task";
        case FailureKind::infrastructure:
            return "infrastructure";
        case FailureKind::timeout:
            return "timeout";
        case FailureKind::cancelled:
            return "cancelled";
        case FailureKind::worker_lost:
            return "worker_lost";
    }
    return "task";
}

[[nodiscard]] constexpr bool is_retried(FailureKind kind) {
    return kind == FailureKind::infrastructure || kind == FailureKind::worker_lost;
}

struct Failure {
    FailureKind kind = FailureKind::task;
    std::string phase{};  ///< where it happened (`setup`, `loop`, …), empty if not known
    std::string message{};

    bool operator==(const Failure&) const = default;
};

/// What an attempt's driver said at its end.
struct TaskResult {
    std::string result_json{"{}"};  ///< `{"logs","metrics","output","success","reward"}`
    bool success = false;
    std::optional<double> reward{};

    bool operator==(const TaskResult&) const = default;
};

/// A task as lists show it.
struct Task {
    TaskId id{};
    std::string problem_id{};
    TaskStatus status = TaskStatus::pending;
    TaskParameters parameters{};
    std::optional<std::string> backend_type{};
    std::optional<std::string> group_id{};
    std::optional<WorkerId> worker_id{};  ///< while running, and after an end on that worker
    int attempt = 0;                      ///< 0 before the first claim
    Timestamp created_at{};
    Timestamp updated_at{};
    std::optional<Timestamp> started_at{};    ///< of the current attempt
    std::optional<Timestamp> completed_at{};  ///< set in every terminal status
    std::optional<Timestamp> not_before{};    ///< a retry's earliest claim, while pending
    TaskOrigin origin{};

    bool operator==(const Task&) const = default;
};

/// One execution of a task. `status` is `running`, or how it ended: `completed`, `failed` (also
/// where a retry follows), `timeout`, `cancelled`.
struct Attempt {
    int attempt = 1;
    WorkerId worker_id{};
    TaskStatus status = TaskStatus::running;
    Timestamp started_at{};
    Timestamp deadline{};
    std::optional<Timestamp> completed_at{};
    std::optional<Failure> failure{};

    bool operator==(const Attempt&) const = default;
};

/// A phase of an attempt, from its begin and end events. A phase without an end has none.
struct PhaseSpan {
    std::string name{};
    Timestamp begin{};
    std::optional<Timestamp> end{};

    bool operator==(const PhaseSpan&) const = default;
};

/// A task with all that is kept of it but its logs and steps.
struct TaskDetail {
    Task task{};
    std::optional<TaskResult> result{};
    std::optional<std::string> error_details{};
    std::optional<Failure> failure{};  ///< of the last attempt, if it failed
    std::vector<Attempt> attempts{};   ///< by number
    std::vector<PhaseSpan> phases{};   ///< of the last attempt, in order of beginning

    bool operator==(const TaskDetail&) const = default;
};

// --- what happens while an attempt runs -------------------------------------------------------

/// A line of a task's log. `context_json` is a JSON object (`step`, `action`, `details`).
struct LogEvent {
    LogId id{};
    Timestamp at{};
    LogLevel level = LogLevel::info;
    std::string message{};
    std::string context_json{"{}"};

    bool operator==(const LogEvent&) const = default;
};

/// One observation and the agent's action on it. `body_json` is the whole step as contract.md
/// section 6 has it (`step`, `observation`, `action`, `reward`, `usage`, `latency_ms`).
struct StepEvent {
    Timestamp at{};
    int step = 1;
    std::string body_json{"{}"};

    bool operator==(const StepEvent&) const = default;
};

enum class PhaseEdge : std::uint8_t { begin, end };

struct PhaseEvent {
    Timestamp at{};
    std::string name{};  ///< `prepare`, `setup`, `loop`, `evaluate` or `teardown`
    PhaseEdge edge = PhaseEdge::begin;

    bool operator==(const PhaseEvent&) const = default;
};

/// What a worker may report.
using RunEvent = std::variant<LogEvent, StepEvent, PhaseEvent>;

/// A transition as the history keeps it, written by the storage in the same transaction. Together
/// with the task's immutable fields it gives the task as it was then.
struct StatusEvent {
    Timestamp at{};
    TaskStatus status = TaskStatus::pending;
    std::optional<WorkerId> worker_id{};
    int attempt = 0;
    std::optional<Timestamp> started_at{};
    std::optional<Timestamp> completed_at{};

    bool operator==(const StatusEvent&) const = default;
};

/// An event in a task's history. `seq` counts from 1 for each task, without gaps, in the order in
/// which transactions committed; nothing is ever inserted before a `seq` that was seen.
struct StoredEvent {
    std::int64_t seq = 0;
    int attempt = 0;
    std::variant<LogEvent, StepEvent, PhaseEvent, StatusEvent> body{};

    bool operator==(const StoredEvent&) const = default;
};

}  // namespace opslab
