#include "output/escape.hpp"

#include <fmt/format.h>

#include <iterator>

namespace opslab::cli {
namespace {

struct Decoded {
    char32_t point = 0;
    std::size_t length = 0;  ///< 0 where the bytes are no UTF-8
};

constexpr bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

Decoded decode(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80U) {
        return {first, 1};
    }
    const std::size_t length = first >= 0xF0U ? 4 : first >= 0xE0U ? 3 : 2;
    if (first < 0xC2U || first > 0xF4U || text.size() < length) {
        return {};
    }
    char32_t point = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text[i])) {
            return {};
        }
        point = (point << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (point < kSmallest[length] || point > 0x10FFFF || surrogate) {
        return {};
    }
    return {point, length};
}

constexpr bool is_wide_control(char32_t point) {
    return (point >= 0x80 && point <= 0x9F) || point == 0x61C || point == 0x200E ||
           point == 0x200F || point == 0x2028 || point == 0x2029 ||
           (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) ||
           point == 0xFEFF;
}

}  // namespace

std::string printable(std::string_view text, LineBreaks breaks) {
    std::string shown;
    shown.reserve(text.size());
    auto out = std::back_inserter(shown);
    while (!text.empty()) {
        const auto [point, length] = decode(text);
        if (length == 0) {
            fmt::format_to(out, "\\x{:02x}", static_cast<unsigned char>(text.front()));
            text.remove_prefix(1);
            continue;
        }
        const bool line_break = point == '\n';
        if (point == '\t' || (line_break && breaks == LineBreaks::keep)) {
            shown.push_back(text.front());
        } else if (line_break) {
            shown += "\\n";
        } else if (point < 0x20 || point == 0x7F) {
            fmt::format_to(out, "\\x{:02x}", static_cast<unsigned>(point));
        } else if (is_wide_control(point)) {
            fmt::format_to(out, "\\u{:04x}", static_cast<unsigned>(point));
        } else {
            shown.append(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
    return shown;
}

std::string harmless_json(std::string_view json) {
    std::string shown;
    shown.reserve(json.size());
    auto out = std::back_inserter(shown);
    while (!json.empty()) {
        const auto [point, length] = decode(json);
        if (length == 0) {
            // cannot come from our coordinator, whose JSON is UTF-8; a stranger's is made so
            shown += "\\ufffd";
            json.remove_prefix(1);
            continue;
        }
        // outside strings JSON has none of these, so an escape never changes the value
        if (point == 0x7F || is_wide_control(point)) {
            fmt::format_to(out, "\\u{:04x}", static_cast<unsigned>(point));
        } else if (point < 0x20 && point != '\n' && point != '\t') {
            shown.push_back(' ');  // valid JSON has only whitespace here
        } else {
            shown.append(json.substr(0, length));
        }
        json.remove_prefix(length);
    }
    return shown;
}

std::string shortened(std::string_view text, std::size_t columns) {
    if (code_points(text) <= columns) {
        return std::string{text};
    }
    std::size_t at = 0;
    for (std::size_t points = 0; at < text.size(); ++at) {
        if (!is_continuation(text[at]) && ++points >= columns) {
            break;
        }
    }
    return std::string{text.substr(0, at)} + "…";
}

std::size_t code_points(std::string_view text) {
    std::size_t points = 0;
    for (const char c : text) {
        points += is_continuation(c) ? 0U : 1U;
    }
    return points;
}

}  // namespace opslab::cli
