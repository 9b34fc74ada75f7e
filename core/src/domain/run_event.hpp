#pragma once

#include "base/json.hpp"

#include <opslab/task.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What a driver says, as values: the events of the driver protocol (contract of section 6), which
/// are also what a worker posts over REST.
namespace opslab {

/// The driver gave its result.
struct DriverResult {
    TaskResult result{};

    bool operator==(const DriverResult&) const = default;
};

/// The driver gave up.
struct DriverError {
    Failure failure{};  ///< kind is task or infrastructure

    bool operator==(const DriverError&) const = default;
};

/// The driver cleaned up after itself.
struct DriverClean {
    bool operator==(const DriverClean&) const = default;
};

using DriverEvent =
    std::variant<LogEvent, StepEvent, PhaseEvent, DriverResult, DriverError, DriverClean>;

/// Longest text of a log message, observation or action, in bytes.
inline constexpr std::size_t kMaxEventText = std::size_t{1} << 20U;

/// Reads one event that a worker posts: log, step or phase; unknown keys are refused. `now` is its
/// time where it names none. The log's id stays empty: the service gives it.
[[nodiscard]] std::optional<RunEvent> decode_run_event(
    const Json& event, const std::string& pointer, Timestamp now, std::vector<FieldError>& errors
);

/// Reads one event line of a driver (hostile text). Unknown keys are let pass: a later driver may
/// say more. Errors: `invalid_argument` with what is wrong.
[[nodiscard]] Result<DriverEvent> parse_driver_event(std::string_view json, Timestamp now);

/// Reads a result: `{"success", "output"?, "metrics"?, "reward"?, "logs"?}`, defaults filled in.
[[nodiscard]] std::optional<TaskResult> decode_result(
    const Json& result, const std::string& pointer, std::vector<FieldError>& errors
);

[[nodiscard]] Json to_json(const RunEvent& event);

}  // namespace opslab
