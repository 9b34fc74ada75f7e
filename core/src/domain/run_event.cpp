#include "domain/run_event.hpp"

#include "base/object_reader.hpp"
#include "base/readable_json.hpp"
#include "base/rfc3339.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <utility>

namespace opslab {

namespace {

constexpr double kAnyNumber = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMaxStep = 1'000'000;
constexpr std::int64_t kMaxLatencyMs = 86'400'000;

const std::vector<std::string>& levels() {
    static const std::vector<std::string> kNames{"debug", "info", "warning", "error", "critical"};
    return kNames;
}

LogLevel level_from(const std::string& name) {
    for (std::size_t i = 0; i < levels().size(); ++i) {
        if (levels()[i] == name) {
            return static_cast<LogLevel>(i);
        }
    }
    return LogLevel::info;
}

Timestamp read_time(ObjectReader& reader, Timestamp now) {
    const auto text = reader.string("timestamp", 1, 64);
    if (!text) {
        return now;
    }
    const auto at = parse_time(*text);
    if (!at) {
        reader.refuse("timestamp", "must be an RFC 3339 time such as 2026-01-31T08:15:30.123456Z");
    }
    return at.value_or(now);
}

LogEvent read_log(ObjectReader& reader, Timestamp now) {
    LogEvent log;
    log.at = read_time(reader, now);
    log.level = level_from(reader.word("level", levels()).value_or("info"));
    reader.require("message");
    log.message = reader.string("message", 0, kMaxEventText).value_or("");
    if (const Json* context = reader.object("context")) {
        log.context_json = dump_json(*context);
    }
    return log;
}

StepEvent read_step(ObjectReader& reader, const Json& event, Timestamp now) {
    StepEvent step;
    step.at = read_time(reader, now);
    reader.require("step");
    step.step = static_cast<int>(reader.integer("step", 1, kMaxStep).value_or(1));
    for (const auto* text : {"observation", "action"}) {
        reader.require(text);
        reader.string(text, 0, kMaxEventText);
    }
    reader.number("reward", -kAnyNumber, kAnyNumber);
    reader.object("usage");
    reader.number("latency_ms", 0, static_cast<double>(kMaxLatencyMs));
    Json body = event;
    body.erase("type");
    body.erase("timestamp");
    step.body_json = dump_json(body);
    return step;
}

PhaseEvent read_phase(ObjectReader& reader, Timestamp now) {
    PhaseEvent phase;
    phase.at = read_time(reader, now);
    reader.require("name");
    reader.require("state");
    phase.name =
        reader.word("name", {"prepare", "setup", "loop", "evaluate", "teardown"}).value_or("");
    phase.edge = reader.word("state", {"begin", "end"}).value_or("begin") == "end"
                     ? PhaseEdge::end
                     : PhaseEdge::begin;
    return phase;
}

Json array_of_strings(ObjectReader& reader, std::string_view key) {
    const Json* array = reader.array(key);
    if (array == nullptr) {
        return Json::array();
    }
    for (const auto& item : *array) {
        if (!item.is_string()) {
            reader.refuse(key, "must be an array of strings");
            break;
        }
    }
    return *array;
}

TaskResult read_result(ObjectReader& reader) {
    const Json empty = Json::object();
    reader.require("success");
    const auto success = reader.boolean("success").value_or(false);
    const Json* output = reader.object("output");
    const Json* metrics = reader.object("metrics");
    const auto reward = reader.number("reward", -kAnyNumber, kAnyNumber);
    const Json result = {
        {"logs", array_of_strings(reader, "logs")},
        {"metrics", metrics != nullptr ? *metrics : empty},
        {"output", output != nullptr ? *output : empty},
        {"success", success},
        {"reward", reward ? Json(*reward) : Json(nullptr)},
    };
    return {.result_json = dump_json(result), .success = success, .reward = reward};
}

DriverError read_error(ObjectReader& reader) {
    DriverError error;
    reader.require("message");
    error.failure.kind =
        reader.word("kind", {"task", "infrastructure"}).value_or("task") == "infrastructure"
            ? FailureKind::infrastructure
            : FailureKind::task;
    error.failure.phase = reader.string("phase", 0, 64).value_or("");
    error.failure.message = reader.string("message", 0, kMaxEventText).value_or("");
    return error;
}

std::string describe(const std::vector<FieldError>& errors) {
    std::string text;
    for (const auto& error : errors) {
        if (text.size() > 500) {
            return text + "; …";
        }
        text += (text.empty() ? "" : "; ") + error.field + " " + error.message;
    }
    return text;
}

}  // namespace

std::optional<RunEvent> decode_run_event(
    const Json& event, const std::string& pointer, Timestamp now, std::vector<FieldError>& errors
) {
    const auto before = errors.size();
    ObjectReader reader(event, pointer, errors);
    reader.require("type");
    const auto type = reader.word("type", {"log", "step", "phase"});
    if (!type) {
        return std::nullopt;
    }
    RunEvent decoded;
    if (*type == "log") {
        decoded = read_log(reader, now);
    } else if (*type == "step") {
        decoded = read_step(reader, event, now);
    } else {
        decoded = read_phase(reader, now);
    }
    reader.finish();
    if (errors.size() != before) {
        return std::nullopt;
    }
    return decoded;
}

Result<DriverEvent> parse_driver_event(std::string_view json, Timestamp now) {
    // what an agent was shown may hold anything: it must not cost the step or the result
    auto parsed = parse_json(readable_json(json));
    if (!parsed) {
        return fail(parsed.error());
    }
    std::vector<FieldError> errors;
    ObjectReader reader(*parsed, "", errors);
    reader.require("type");
    const auto type =
        reader.word("type", {"log", "step", "phase", "result", "error", "clean"}).value_or("");
    DriverEvent event;
    if (type == "log") {
        event = read_log(reader, now);
    } else if (type == "step") {
        event = read_step(reader, *parsed, now);
    } else if (type == "phase") {
        event = read_phase(reader, now);
    } else if (type == "result") {
        event = DriverResult{read_result(reader)};
    } else if (type == "error") {
        event = read_error(reader);
    } else {
        event = DriverClean{};
    }
    if (!errors.empty()) {
        return fail(Errc::invalid_argument, "no valid driver event: " + describe(errors));
    }
    return event;
}

std::optional<TaskResult> decode_result(
    const Json& result, const std::string& pointer, std::vector<FieldError>& errors
) {
    const auto before = errors.size();
    ObjectReader reader(result, pointer, errors);
    auto decoded = read_result(reader);
    reader.finish();
    if (errors.size() != before) {
        return std::nullopt;
    }
    return decoded;
}

Json to_json(const RunEvent& event) {
    if (const auto* log = std::get_if<LogEvent>(&event)) {
        return {
            {"type", "log"},
            {"timestamp", format_time(log->at)},
            {"level", to_string(log->level)},
            {"message", log->message},
            {"context", parse_json(log->context_json).value_or(Json::object())},
        };
    }
    if (const auto* phase = std::get_if<PhaseEvent>(&event)) {
        return {
            {"type", "phase"},
            {"timestamp", format_time(phase->at)},
            {"name", phase->name},
            {"state", phase->edge == PhaseEdge::begin ? "begin" : "end"},
        };
    }
    const auto& step = std::get<StepEvent>(event);
    Json json = parse_json(step.body_json).value_or(Json::object());
    json["type"] = "step";
    json["timestamp"] = format_time(step.at);
    return json;
}

}  // namespace opslab
