#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text from outside: is it UTF-8, how long is it for a person, how near is it to what was meant?
namespace opslab {

/// Whether all of `text` is well-formed UTF-8 (no overlong forms, no surrogates; RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text);

/// `text` with every byte that is not part of well-formed UTF-8, and every NUL, as U+FFFD.
[[nodiscard]] std::string to_valid_utf8(std::string_view text);

/// Code points of well-formed UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view text);

/// The longest prefix of at most `max_bytes` that does not cut a code point.
[[nodiscard]] std::string_view clip_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace opslab
