#include "result_gate.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace opslab::runner_kind {
namespace {

using Json = nlohmann::json;

// Empty where it is none. Most events are logs, which need no second look.
[[nodiscard]] std::string type_of(std::string_view text) {
    const auto has = [text](std::string_view word) { return text.find(word) != text.npos; };
    if (!has("result") && !has("error") && !has("\\u")) {
        return {};
    }
    // what is deeper than the event's own members is left out: it may be of any depth
    const auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= 1; };
    const auto event = Json::parse(text, keep, false);
    const auto type = event.is_object() ? event.find("type") : event.end();
    return event.is_object() && type != event.end() && type->is_string() ? type->get<std::string>()
                                                                         : std::string{};
}

}  // namespace

SinkAnswer ResultGate::event(std::string_view json) {
    if (!verdict_) {
        return SinkAnswer::leave_off;
    }
    const auto type = type_of(json);
    if (type == "result") {
        verdict_ = check_();
        if (!verdict_) {
            return SinkAnswer::leave_off;
        }
    }
    has_outcome_ = has_outcome_ || type == "result" || type == "error";
    return next_.event(json);
}

SinkAnswer ResultGate::output(OutputStream stream, std::string_view line, bool truncated) {
    return verdict_ ? next_.output(stream, line, truncated) : SinkAnswer::leave_off;
}

SinkAnswer ResultGate::position(std::string_view text) {
    return verdict_ ? next_.position(text) : SinkAnswer::leave_off;
}

}  // namespace opslab::runner_kind
