#include "client/sse_parser.hpp"

#include <utility>

namespace opslab::cli {

SseParser::SseParser(std::function<bool(const SseEvent&)> on_event, std::size_t max_bytes)
    : on_event_(std::move(on_event)), max_bytes_(max_bytes) {}

bool SseParser::feed(std::string_view piece) {
    while (!piece.empty()) {
        if (std::exchange(after_cr_, false) && piece.front() == '\n') {
            piece.remove_prefix(1);
            continue;
        }
        const auto end = piece.find_first_of("\r\n");
        const auto text = piece.substr(0, end);
        if (overflowed_ || line_.size() + event_.data.size() + text.size() > max_bytes_) {
            overflowed_ = true;
            return false;
        }
        line_.append(text);
        if (end == std::string_view::npos) {
            return true;
        }
        after_cr_ = piece.at(end) == '\r';
        piece.remove_prefix(end + 1);
        if (!end_line()) {
            return false;
        }
    }
    return true;
}

bool SseParser::end_line() {
    std::string line = std::exchange(line_, {});
    if (std::exchange(first_line_, false) && line.rfind("\xEF\xBB\xBF", 0) == 0) {
        line.erase(0, 3);
    }
    if (line.empty()) {
        const bool wanted = std::exchange(has_data_, false);
        SseEvent event = std::exchange(event_, SseEvent{.id = event_.id});
        return !wanted || on_event_(event);
    }
    const std::string_view view{line};
    const auto colon = view.find(':');
    if (colon == 0) {
        return true;
    }
    auto value = colon == std::string_view::npos ? std::string_view{} : view.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') {
        value.remove_prefix(1);
    }
    take_field(view.substr(0, colon), value);
    return true;
}

void SseParser::take_field(std::string_view name, std::string_view value) {
    if (name == "data") {
        if (std::exchange(has_data_, true)) {
            event_.data.push_back('\n');
        }
        event_.data.append(value);
    } else if (name == "event") {
        event_.type = value.empty() ? "message" : std::string{value};
    } else if (name == "id" && value.find('\0') == std::string_view::npos) {
        event_.id = value;
    }
}

}  // namespace opslab::cli
