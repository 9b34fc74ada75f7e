#pragma once

#include <algorithm>
#include <string_view>

/// Names of header fields: ASCII, told apart without regard to case (RFC 9110 section 5.1).
namespace opslab {

/// The small letter of an ASCII capital; any other byte as it is. Knows no locale.
[[nodiscard]] constexpr char lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool same_field_name(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return lower_ascii(a) == lower_ascii(b);
    });
}

}  // namespace opslab
