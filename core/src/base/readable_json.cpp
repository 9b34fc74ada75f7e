#include "base/readable_json.hpp"

#include "base/text.hpp"

#include <charconv>
#include <optional>

namespace opslab {

namespace {

/// The code unit that `text` begins with, escaped as `\uXXXX`.
std::optional<unsigned> escaped_unit(std::string_view text) {
    constexpr std::size_t kLength = 6;
    unsigned unit = 0;
    if (text.size() < kLength || text.substr(0, 2) != "\\u") {
        return std::nullopt;
    }
    const auto* const end = text.data() + kLength;
    const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
    return error == std::errc{} && stop == end ? std::optional(unit) : std::nullopt;
}

}  // namespace

std::string readable_json(std::string_view text) {
    const auto utf8 = to_valid_utf8(text);
    std::string readable;
    readable.reserve(utf8.size());
    for (std::string_view rest = utf8; !rest.empty();) {
        std::size_t length = 1;
        if (const auto unit = escaped_unit(rest)) {
            const auto next = escaped_unit(rest.substr(6));
            const bool pair = *unit >> 10U == 0x36 && next && *next >> 10U == 0x37;
            const bool lone = !pair && *unit >> 11U == 0x1b;
            length = pair ? 12 : 6;
            readable += *unit == 0 || lone ? "\\ufffd" : rest.substr(0, length);
        } else {
            length = rest.front() == '\\' && rest.size() > 1 ? 2 : 1;
            readable += rest.substr(0, length);
        }
        rest.remove_prefix(length);
    }
    return readable;
}

}  // namespace opslab
