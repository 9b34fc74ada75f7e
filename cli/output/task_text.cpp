#include "output/task_text.hpp"

#include "base/json.hpp"
#include "output/escape.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstddef>

namespace opslab::cli {
namespace {

constexpr std::size_t kStepColumns = 160;
constexpr std::size_t kTimeOfDay = 11;  // where it begins in 2026-01-31T08:15:30.123456Z
constexpr std::size_t kTimeOfDayLength = 12;

const nlohmann::json& member(const nlohmann::json& object, const char* key) {
    static const nlohmann::json kNothing;
    if (!object.is_object()) {
        return kNothing;
    }
    const auto found = object.find(key);
    return found == object.end() ? kNothing : *found;
}

std::string value_text(const nlohmann::json& value) {
    if (value.is_null()) {
        return "-";
    }
    if (value.is_string()) {
        return printable(value.get_ref<const std::string&>());
    }
    return printable(dump_json(value));
}

Colour colour_of_level(std::string_view level) {
    if (level == "error" || level == "critical") {
        return Colour::red;
    }
    if (level == "warning") {
        return Colour::yellow;
    }
    return level == "debug" ? Colour::dim : Colour::none;
}

void add_block(std::vector<std::string>& lines, std::string_view name, std::string_view text) {
    lines.push_back(fmt::format("  {}:", name));
    const auto shown = printable(text, LineBreaks::keep);
    std::size_t at = 0;
    while (at <= shown.size()) {
        const auto end = std::min(shown.find('\n', at), shown.size());
        lines.push_back("    " + shown.substr(at, end - at));
        at = end + 1;
    }
}

}  // namespace

std::vector<std::string> attempt_lines(const nlohmann::json& attempts) {
    std::vector<std::string> lines;
    if (!attempts.is_array()) {
        return lines;
    }
    for (const auto& attempt : attempts) {
        auto line = fmt::format(
            "attempt {}:    {} on {}, {} to {}",
            field_text(attempt, "attempt"),
            field_text(attempt, "status"),
            field_text(attempt, "worker_id"),
            field_text(attempt, "started_at"),
            field_text(attempt, "completed_at")
        );
        const auto& failure = member(attempt, "failure");
        if (failure.is_object()) {
            line += fmt::format(
                "; {}: {}", field_text(failure, "kind"), field_text(failure, "message")
            );
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

std::string field_text(const nlohmann::json& object, const char* key) {
    return value_text(member(object, key));
}

std::string time_of_day(const nlohmann::json& object, const char* key) {
    const auto whole = field_text(object, key);
    return whole.size() < kTimeOfDay + kTimeOfDayLength
               ? whole
               : whole.substr(kTimeOfDay, kTimeOfDayLength);
}

std::vector<std::string> task_lines(const nlohmann::json& task, const Terminal& terminal) {
    const auto status = field_text(task, "status");
    std::vector<std::string> lines{
        fmt::format("task          {}", field_text(task, "id")),
        fmt::format("problem       {}", field_text(task, "problem_id")),
        fmt::format("status        {}", terminal.paint(colour_of_status(status), status)),
        fmt::format("worker        {}", field_text(task, "worker_id")),
        fmt::format("attempt       {}", field_text(task, "attempt")),
        fmt::format("created       {}", field_text(task, "created_at")),
        fmt::format("started       {}", field_text(task, "started_at")),
        fmt::format("completed     {}", field_text(task, "completed_at")),
    };
    const auto add_if_set = [&](const char* key, std::string_view label) {
        const auto& value = member(task, key);
        if (!value.is_null() && !(value.is_object() && value.empty())) {
            lines.push_back(fmt::format("{:<13} {}", label, value_text(value)));
        }
    };
    add_if_set("group_id", "group");
    add_if_set("backend_type", "backend");
    add_if_set("parameters", "parameters");
    for (auto& line : attempt_lines(member(task, "attempts"))) {
        lines.push_back(std::move(line));
    }
    add_if_set("phases", "phases (s)");
    const auto& result = member(task, "result");
    if (result.is_object()) {
        lines.push_back(fmt::format("success       {}", field_text(result, "success")));
        lines.push_back(fmt::format("reward        {}", field_text(result, "reward")));
        lines.push_back(fmt::format("metrics       {}", field_text(result, "metrics")));
        lines.push_back(fmt::format("output        {}", field_text(result, "output")));
    }
    const auto& failure = member(task, "failure");
    if (failure.is_object()) {
        lines.push_back(fmt::format(
            "failure       {} (phase {}): {}",
            field_text(failure, "kind"),
            field_text(failure, "phase"),
            field_text(failure, "message")
        ));
    }
    const auto& details = member(task, "error_details");
    if (details.is_string()) {
        lines.emplace_back("error details");
        add_block(lines, "text", details.get_ref<const std::string&>());
    }
    return lines;
}

std::vector<std::vector<std::string>> task_rows(const nlohmann::json& tasks) {
    std::vector<std::vector<std::string>> rows{
        {"TASK", "PROBLEM", "STATUS", "ATTEMPT", "WORKER", "CREATED"}};
    for (const auto& task : tasks) {
        rows.push_back(
            {field_text(task, "id"),
             field_text(task, "problem_id"),
             field_text(task, "status"),
             field_text(task, "attempt"),
             field_text(task, "worker_id"),
             field_text(task, "created_at")}
        );
    }
    return rows;
}

std::string log_line(const nlohmann::json& log, const Terminal& terminal) {
    const auto level = field_text(log, "level");
    return fmt::format(
        "{} {} {}",
        terminal.paint(Colour::dim, time_of_day(log, "timestamp")),
        terminal.paint(colour_of_level(level), fmt::format("{:<8}", level)),
        field_text(log, "message")
    );
}

std::string step_line(const nlohmann::json& step, const Terminal& terminal) {
    return fmt::format(
        "{} {} {}: {}",
        terminal.paint(Colour::dim, time_of_day(step, "timestamp")),
        terminal.paint(Colour::blue, "step    "),
        field_text(step, "step"),
        shortened(field_text(step, "action"), kStepColumns)
    );
}

std::vector<std::string> step_lines(const nlohmann::json& step, const Terminal& terminal) {
    std::vector<std::string> lines{
        terminal.paint(Colour::blue, fmt::format("step {}", field_text(step, "step")))};
    for (const auto* name : {"observation", "action"}) {
        const auto& value = member(step, name);
        add_block(
            lines, name, value.is_string() ? value.get_ref<const std::string&>() : value_text(value)
        );
    }
    for (const auto* name : {"reward", "usage", "latency_ms"}) {
        if (!member(step, name).is_null()) {
            lines.push_back(fmt::format("  {}: {}", name, field_text(step, name)));
        }
    }
    return lines;
}

std::string ending(const nlohmann::json& task) {
    auto status = field_text(task, "status");
    const auto& result = member(task, "result");
    if (status == "completed" && result.is_object()) {
        const bool success = member(result, "success") == true;
        return fmt::format(
            "completed, {}, reward {}",
            success ? "success" : "without success",
            field_text(result, "reward")
        );
    }
    const auto& failure = member(task, "failure");
    if (failure.is_object()) {
        return fmt::format(
            "{} ({}): {}", status, field_text(failure, "kind"), field_text(failure, "message")
        );
    }
    return status;
}

ExitCode exit_code_of(const nlohmann::json& task) {
    const auto status = field_text(task, "status");
    if (status == "completed") {
        const bool success = member(member(task, "result"), "success") == true;
        return success ? ExitCode::ok : ExitCode::not_successful;
    }
    if (status == "failed" || status == "timeout") {
        return ExitCode::failed;
    }
    return status == "cancelled" ? ExitCode::cancelled : ExitCode::refused;
}

}  // namespace opslab::cli
