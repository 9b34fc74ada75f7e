#include "clean_end.hpp"

#include "event_type.hpp"

namespace opslab::runner_kind {
namespace {

[[nodiscard]] bool is_clean_event(std::string_view text) {
    constexpr std::size_t kLongest = 4096;  // it has but a type and perhaps a time
    return text.size() <= kLongest && text.find('[') == std::string_view::npos &&
           event_type(text) == "clean";
}

}  // namespace

SinkAnswer CleanEndSink::event(std::string_view json) {
    has_ended_clean_ = is_clean_event(json);
    return next_.event(json);
}

}  // namespace opslab::runner_kind
