#pragma once

#include <opslab/time.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace opslab {

/// `2026-01-31T08:15:30.123456Z`: UTC, always six digits of fraction.
[[nodiscard]] std::string format_time(Timestamp at);

/// Reads RFC 3339: `T` or blank or `t` between, any number of fraction digits (beyond six are cut),
/// `Z`, `z` or an offset. Nothing where the text is no such time or no such day exists.
[[nodiscard]] std::optional<Timestamp> parse_time(std::string_view text);

}  // namespace opslab
