#include "base/trace_context.hpp"

#include <cstddef>

namespace opslab {

namespace {

// VERSION-TRACE-PARENT-FLAGS: 2, 32, 16 and 2 digits
constexpr std::size_t kLength = 55;
constexpr std::size_t kTrace = 3;
constexpr std::size_t kTraceLength = 32;
constexpr std::size_t kParent = 36;
constexpr std::size_t kParentLength = 16;
constexpr std::size_t kFlags = 53;
constexpr std::size_t kLongest = 512;

bool is_lower_hex(std::string_view digits) {
    return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_id(std::string_view digits) {
    return is_lower_hex(digits) && digits.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<std::string> parse_traceparent(std::string_view text) {
    if (text.size() < kLength || text.size() > kLongest) {
        return std::nullopt;
    }
    const auto version = text.substr(0, 2);
    const bool has_dashes = text[2] == '-' && text[kParent - 1] == '-' && text[kFlags - 1] == '-';
    const bool ends = text.size() == kLength || (version != "00" && text[kLength] == '-');
    if (!has_dashes || !ends || !is_lower_hex(version) || version == "ff" ||
        !is_id(text.substr(kTrace, kTraceLength)) || !is_id(text.substr(kParent, kParentLength)) ||
        !is_lower_hex(text.substr(kFlags, 2))) {
        return std::nullopt;
    }
    return "00" + std::string(text.substr(2, kLength - 2));
}

std::string_view trace_id_of(std::string_view traceparent) {
    return traceparent.size() == kLength ? traceparent.substr(kTrace, kTraceLength)
                                         : std::string_view{};
}

}  // namespace opslab
