#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// The state machine of a task, once: SQL guards, HTTP conflicts, docs/state-machine.md and the
/// conformance suite all derive from this table.
namespace opslab {

enum class TaskStatus : std::uint8_t { pending, running, completed, failed, timeout, cancelled };

inline constexpr std::array kTaskStatuses{
    TaskStatus::pending,
    TaskStatus::running,
    TaskStatus::completed,
    TaskStatus::failed,
    TaskStatus::timeout,
    TaskStatus::cancelled,
};

/// What can happen to a task.
enum class TaskEvent : std::uint8_t {
    claimed,       ///< a worker took it: a new attempt begins
    completed,     ///< the driver gave a result (its success may be false)
    failed,        ///< the attempt broke and will not be retried
    retried,       ///< the attempt was lost to infrastructure or its worker, and retries are left
    timed_out,     ///< the attempt's deadline passed
    cancel_asked,  ///< a client cancelled it
};

inline constexpr std::array kTaskEvents{
    TaskEvent::claimed,
    TaskEvent::completed,
    TaskEvent::failed,
    TaskEvent::retried,
    TaskEvent::timed_out,
    TaskEvent::cancel_asked,
};

/// Who may cause a transition.
enum class Authority : std::uint8_t {
    anyone,        ///< no lease is involved
    lease_holder,  ///< only a write that names the current attempt, or the sweep that ends it
};

struct Transition {
    TaskStatus from;
    TaskEvent event;
    TaskStatus to;
    Authority authority;
};

inline constexpr std::array kTransitions{
    Transition{TaskStatus::pending, TaskEvent::claimed, TaskStatus::running, Authority::anyone},
    Transition{
        TaskStatus::pending, TaskEvent::cancel_asked, TaskStatus::cancelled, Authority::anyone},
    Transition{
        TaskStatus::running, TaskEvent::completed, TaskStatus::completed, Authority::lease_holder},
    Transition{TaskStatus::running, TaskEvent::failed, TaskStatus::failed, Authority::lease_holder},
    Transition{
        TaskStatus::running, TaskEvent::retried, TaskStatus::pending, Authority::lease_holder},
    Transition{
        TaskStatus::running, TaskEvent::timed_out, TaskStatus::timeout, Authority::lease_holder},
    Transition{
        TaskStatus::running, TaskEvent::cancel_asked, TaskStatus::cancelled, Authority::anyone},
};

/// Where `event` leads from `from`; nothing where the table has no such row.
[[nodiscard]] constexpr std::optional<TaskStatus> next_status(TaskStatus from, TaskEvent event) {
    for (const auto& row : kTransitions) {
        if (row.from == from && row.event == event) {
            return row.to;
        }
    }
    return std::nullopt;
}

/// A terminal status is one that no row leaves. It never changes again.
[[nodiscard]] constexpr bool is_terminal(TaskStatus status) {
    return std::none_of(kTransitions.begin(), kTransitions.end(), [&](const Transition& row) {
        return row.from == status;
    });
}

/// The statuses from which `event` is allowed: the guard of an SQL update.
[[nodiscard]] constexpr std::vector<TaskStatus> sources_of(TaskEvent event) {
    std::vector<TaskStatus> sources;
    for (const auto& row : kTransitions) {
        if (row.event == event) {
            sources.push_back(row.from);
        }
    }
    return sources;
}

[[nodiscard]] constexpr std::string_view to_string(TaskStatus status) {
    constexpr std::array<std::string_view, kTaskStatuses.size()> kNames{
        "pending",
        "running",
        "completed",
        "failed",
        "timeout",
        "cancelled",
    };
    return kNames.at(static_cast<std::size_t>(status));
}

[[nodiscard]] constexpr std::string_view to_string(TaskEvent event) {
    constexpr std::array<std::string_view, kTaskEvents.size()> kNames{
        "claimed",
        "completed",
        "failed",
        "retried",
        "timed_out",
        "cancel_asked",
    };
    return kNames.at(static_cast<std::size_t>(event));
}

[[nodiscard]] constexpr std::optional<TaskStatus> task_status_from(std::string_view name) {
    for (const auto status : kTaskStatuses) {
        if (to_string(status) == name) {
            return status;
        }
    }
    return std::nullopt;
}

namespace detail {

constexpr bool transitions_are_unique() {
    for (std::size_t i = 0; i < kTransitions.size(); ++i) {
        for (std::size_t j = i + 1; j < kTransitions.size(); ++j) {
            if (kTransitions.at(i).from == kTransitions.at(j).from &&
                kTransitions.at(i).event == kTransitions.at(j).event) {
                return false;
            }
        }
    }
    return true;
}

constexpr bool every_status_can_end() {
    return std::all_of(kTaskStatuses.begin(), kTaskStatuses.end(), [](TaskStatus status) {
        return is_terminal(status) ||
               std::any_of(kTransitions.begin(), kTransitions.end(), [&](const Transition& row) {
                   return row.from == status && is_terminal(row.to);
               });
    });
}

}  // namespace detail

static_assert(detail::transitions_are_unique(), "one row for each (from, event)");
static_assert(detail::every_status_can_end(), "no status may be a trap");

}  // namespace opslab
