#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace opslab {

/// The `traceparent` of W3C Trace Context in `text`, in the form of version 00; nothing where it is
/// none: wrong lengths, upper-case digits, ids of zeros only, the version ff. What a later version
/// adds behind is cut off.
[[nodiscard]] std::optional<std::string> parse_traceparent(std::string_view text);

/// The trace's id (32 hexadecimal digits) in a parsed `traceparent`; empty where that is empty.
[[nodiscard]] std::string_view trace_id_of(std::string_view traceparent);

}  // namespace opslab
