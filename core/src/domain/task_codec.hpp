#pragma once

#include "base/json.hpp"

#include <opslab/storage.hpp>

#include <span>
#include <vector>

/// How tasks look in JSON (contract of the REST API, of callbacks and of the feed). One place, so
/// that all of them show the same. A field with no value is null, never absent.
namespace opslab {

[[nodiscard]] Json to_json(const Task& task);

/// What is set of where the task came from; an empty object where nothing is. For workers alone:
/// no answer about a task holds it.
[[nodiscard]] Json to_json(const TaskOrigin& origin);

/// The task in detail: with `result`, `error_details`, `failure`, `attempts`, `phases`.
[[nodiscard]] Json to_json(const TaskDetail& detail);

[[nodiscard]] Json to_json(const StoredLog& entry);

/// A step as the driver gave it, with its time; `attempt` beside it.
[[nodiscard]] Json to_json(const StoredStep& step);

[[nodiscard]] Json to_json(const Failure& failure);
[[nodiscard]] Json to_json(const StatusCounts& counts);
[[nodiscard]] Json to_json(const DurationStats& stats);
[[nodiscard]] Json to_json(const TaskStats& stats);

/// `result`, or null.
[[nodiscard]] Json to_json(const std::optional<TaskResult>& result);

/// The task as it was when `event` happened: its immutable fields and the event's others.
[[nodiscard]] Json to_json(const Task& task, const StatusEvent& event);

}  // namespace opslab
