#include "clean_end.hpp"

#include <nlohmann/json.hpp>

namespace opslab::runner_kind {
namespace {

[[nodiscard]] bool is_clean_event(std::string_view text) {
    constexpr std::size_t kLongest = 4096;  // it has but a type and perhaps a time
    if (text.size() > kLongest || text.find('[') != std::string_view::npos) {
        return false;
    }
    const auto event = nlohmann::json::parse(text, nullptr, false);
    const auto type = event.is_object() ? event.find("type") : event.end();
    return event.is_object() && type != event.end() && *type == "clean";
}

}  // namespace

SinkAnswer CleanEndSink::event(std::string_view json) {
    has_ended_clean_ = is_clean_event(json);
    return next_.event(json);
}

}  // namespace opslab::runner_kind
