#pragma once

#include <opslab/error.hpp>

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

/// JSON from outside: strict where nlohmann_json is lenient.
namespace opslab {

using Json = nlohmann::json;

inline constexpr int kMaxJsonDepth = 64;

/// Parses one JSON text. Refused, as `invalid_argument` with reason `malformed_json` and the byte
/// where it went wrong: bad syntax, invalid UTF-8, lone surrogates, duplicate keys (nlohmann_json
/// would keep the last), more than `max_depth` levels (it would overflow the stack when dumping),
/// numbers that no double holds. A NUL inside a string is valid JSON: see `nul_fields`.
[[nodiscard]] Result<Json> parse_json(std::string_view text, int max_depth = kMaxJsonDepth);

/// As compact text; invalid UTF-8 in strings becomes U+FFFD (container output holds any bytes).
[[nodiscard]] std::string dump_json(const Json& value);

/// The pointers of all strings and keys under `value` that hold NUL: databases cut them silently.
[[nodiscard]] std::vector<FieldError> nul_fields(const Json& value);

/// One reference token of a JSON pointer, escaped (RFC 6901).
[[nodiscard]] std::string pointer_token(std::string_view key);

}  // namespace opslab
