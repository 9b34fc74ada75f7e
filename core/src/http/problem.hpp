#pragma once

#include "http/message.hpp"

#include <opslab/error.hpp>

#include <string>
#include <string_view>

/// The one error form, and the only place where an `Error` becomes an HTTP status.
namespace opslab {

/// The status for `error`: by `reason` where that word has one of its own, else by `code`.
[[nodiscard]] int http_status_of(const Error& error);

/// The machine word for `error`: its `reason`, else the code's (`validation_error`, `not_found`,
/// …).
[[nodiscard]] std::string problem_code_of(const Error& error);

/// Message and detail, for the log.
[[nodiscard]] std::string in_full(const Error& error);

/// `error` as an answer: `{"error","code","details"}`, `details.fields` for a validation error,
/// `Retry-After` with 503. Of an internal error the client sees no message; `error.detail` never
/// leaves. Never throws for any bytes in `error`.
[[nodiscard]] HttpResponse problem_response(const Error& error);

/// Puts `id` into the `details.error_id` of an answer in the error form: what a person quotes to
/// have the log searched for. Any other body stays as it is.
void add_error_id(HttpResponse& response, const std::string& id);

/// An error with a machine word that has a status of its own (415, 413, 414, 431, 405, 401, …).
[[nodiscard]] Error problem(Errc code, std::string reason, std::string message);

/// Fails with 415 `unsupported_media_type` unless `Content-Type` is `application/json` or
/// `application/*+json`, with no charset but UTF-8. A missing type passes where the body is empty.
[[nodiscard]] Status require_json_content(const HttpRequest& request);

}  // namespace opslab
