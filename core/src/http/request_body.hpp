#pragma once

#include "base/json.hpp"
#include "http/message.hpp"

#include <opslab/error.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// The body as JSON. Errors: 415 `unsupported_media_type`, `malformed_json`.
[[nodiscard]] Result<Json> read_json_body(const HttpRequest& request);

/// The same for calls whose body may be left out: `{}` then.
[[nodiscard]] Result<Json> read_optional_json_body(const HttpRequest& request);

/// Notes every string and key of `body` that holds NUL, unless its field is noted already.
void note_nul_fields(const Json& body, std::vector<FieldError>& errors);

/// For calls that take no field at all: notes whatever `body` holds.
void note_unwanted_fields(const Json& body, std::vector<FieldError>& errors);

/// The same for the same JSON value, however it was written (key order, blanks, escapes).
/// `verb` keeps the same body of two different calls apart.
[[nodiscard]] std::string fingerprint_of(std::string_view verb, const Json& body);

}  // namespace opslab
