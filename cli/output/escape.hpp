#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Text of agents and drivers is hostile: printed raw, it could move the cursor, retitle the
/// window, or reverse what a person reads. Everything that is shown passes through here.
namespace opslab::cli {

enum class LineBreaks : std::uint8_t {
    escape,  ///< `\n` is shown as such, so that one record stays one line
    keep,
};

/// Valid UTF-8 that moves nothing: C0, DEL and C1 controls, bidirectional controls and line
/// separators are shown as `\x1b` or `\u202e`, and bytes that are no UTF-8 as `\xff`. Tabs stay.
[[nodiscard]] std::string printable(std::string_view text, LineBreaks breaks = LineBreaks::escape);

/// The same JSON value with DEL, C1 and bidirectional controls written as `\u` escapes, so that
/// machine output shown on a terminal is as harmless as any other.
[[nodiscard]] std::string harmless_json(std::string_view json);

/// At most `columns` code points of `text` (which is valid UTF-8), ending in `…` where cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);

/// How many code points valid UTF-8 has.
[[nodiscard]] std::size_t code_points(std::string_view text);

}  // namespace opslab::cli
