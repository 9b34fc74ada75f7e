#include "verdict_sink.hpp"

#include "program_call.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace opslab::runner_exec {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kKeptErrors = 4096;

[[nodiscard]] bool is_verdict(std::string_view text) {
    // most events are steps and logs: no need to parse those
    if (text.find("\"result\"") == std::string_view::npos &&
        text.find("\"error\"") == std::string_view::npos) {
        return false;
    }
    const Json event = Json::parse(text, nullptr, false);
    if (!event.is_object() || !event.contains("type")) {
        return false;
    }
    return event["type"] == "result" || event["type"] == "error";
}

}  // namespace

SinkAnswer VerdictSink::event(std::string_view json) {
    verdict_.is_given = verdict_.is_given || is_verdict(json);
    return to_.event(json);
}

SinkAnswer VerdictSink::output(OutputStream stream, std::string_view line, bool truncated) {
    if (stream == OutputStream::err) {
        std::string& kept = verdict_.last_error;
        kept.append(line.substr(line.size() - std::min(line.size(), kKeptErrors)));
        kept.push_back('\n');
        if (kept.size() > kKeptErrors) {
            kept.erase(0, kept.size() - kKeptErrors);
        }
    }
    return to_.output(stream, line, truncated);
}

SinkAnswer VerdictSink::position(std::string_view text) {
    return to_.position(text);
}

std::string event_of_exit(const RunEnd& end, const Verdict& verdict) {
    const bool is_reserved = end.how == EndKind::exited &&
                             (end.code == kTaskFailure || end.code == kInfrastructureFailure);
    if (!is_reserved || verdict.is_given) {
        return {};
    }
    const std::string words = last_words_of(verdict.last_error);
    const Json event{
        {"type", "error"},
        {"kind", end.code == kTaskFailure ? "task" : "infrastructure"},
        {"message",
         "the run program exited with " + std::to_string(end.code) +
             (words.empty() ? "" : ": " + words)}};
    return event.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace opslab::runner_exec
