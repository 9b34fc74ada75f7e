#pragma once

#include <string_view>

/// Values of header fields (RFC 9110 section 5.5).
namespace opslab {

/// Without the spaces and tabs around it. Views into \p text.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t";
    const auto begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace opslab
