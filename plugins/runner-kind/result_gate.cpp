#include "result_gate.hpp"

#include "event_type.hpp"

#include <string>

namespace opslab::runner_kind {
namespace {

// Most events are logs, which need no second look.
[[nodiscard]] bool may_be_outcome(std::string_view text) {
    const auto has = [text](std::string_view word) { return text.find(word) != text.npos; };
    return has("result") || has("error") || has("\\u");
}

}  // namespace

SinkAnswer ResultGate::event(std::string_view json) {
    if (!verdict_) {
        return SinkAnswer::leave_off;
    }
    const auto type = may_be_outcome(json) ? event_type(json) : std::string{};
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
