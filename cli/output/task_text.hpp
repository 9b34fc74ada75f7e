#pragma once

#include "exit_code.hpp"
#include "output/terminal.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

/// How tasks, logs and steps look to a person. The JSON comes from a coordinator, so every field is
/// read with care: what is missing or of another type is shown as `-`.
namespace opslab::cli {

/// A field as text that is safe to show; `-` where it is absent or null.
[[nodiscard]] std::string field_text(const nlohmann::json& object, const char* key);

/// The time of day of an RFC 3339 field, to the millisecond: `08:15:30.123`.
[[nodiscard]] std::string time_of_day(const nlohmann::json& object, const char* key);

/// The task in detail, some lines.
[[nodiscard]] std::vector<std::string> task_lines(
    const nlohmann::json& task, const Terminal& terminal
);

/// A line for each attempt: when, on which worker, how it ended.
[[nodiscard]] std::vector<std::string> attempt_lines(const nlohmann::json& attempts);

/// The rows of a table of tasks, with its heading.
[[nodiscard]] std::vector<std::vector<std::string>> task_rows(const nlohmann::json& tasks);

/// One log entry on one line.
[[nodiscard]] std::string log_line(const nlohmann::json& log, const Terminal& terminal);

/// One step on one line, its action shortened.
[[nodiscard]] std::string step_line(const nlohmann::json& step, const Terminal& terminal);

/// One step in full, some lines.
[[nodiscard]] std::vector<std::string> step_lines(
    const nlohmann::json& step, const Terminal& terminal
);

/// How a task in a terminal status ended, in a few words: `completed, success, reward 1`.
[[nodiscard]] std::string ending(const nlohmann::json& task);

/// The exit code that goes with the way a task ended.
[[nodiscard]] ExitCode exit_code_of(const nlohmann::json& task);

}  // namespace opslab::cli
