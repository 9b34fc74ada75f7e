#include "plugin/bounded_text.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <string_view>

namespace opslab::plugin {

BoundedText::BoundedText(std::size_t limit) : limit_(limit), writer_{this, &BoundedText::take} {}

void BoundedText::take(void* ctx, const char* data, std::size_t size) {
    auto& self = *static_cast<BoundedText*>(ctx);
    if (data == nullptr) {
        return;
    }
    const std::size_t room = self.limit_ - self.text_.size();
    self.overflowed_ = self.overflowed_ || size > room;
    try {
        self.text_.append(data, std::min(size, room));
    } catch (...) {
        // no memory: no exception may pass through the plugin's frames
        self.overflowed_ = true;
    }
}

std::string BoundedText::readable() const {
    const std::string text = readable_text(text_, limit_);
    return text.empty() ? "no reason given" : text + (overflowed_ ? "…" : "");
}

std::string readable_text(std::string_view text, std::size_t limit) {
    std::string clean = to_valid_utf8(text);
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    };
    std::replace_if(clean.begin(), clean.end(), is_control, ' ');
    clean = std::string{clip_utf8(clean, limit)};
    while (!clean.empty() && (clean.back() == '\n' || clean.back() == ' ')) {
        clean.pop_back();
    }
    return clean;
}

}  // namespace opslab::plugin
