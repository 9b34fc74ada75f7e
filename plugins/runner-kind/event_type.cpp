#include "event_type.hpp"

#include <nlohmann/json.hpp>

namespace opslab::runner_kind {

std::string event_type(std::string_view json) {
    using Json = nlohmann::json;
    // what is deeper than the event's own members is left out: it may be of any depth
    const auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= 1; };
    const auto event = Json::parse(json, keep, false);
    const auto type = event.is_object() ? event.find("type") : event.end();
    return event.is_object() && type != event.end() && type->is_string() ? type->get<std::string>()
                                                                         : std::string{};
}

}  // namespace opslab::runner_kind
