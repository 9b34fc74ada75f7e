#pragma once

#include <tl/expected.hpp>

#include <string>
#include <utility>
#include <vector>

/// Expected failure is a value: every call that the world can spoil returns a `Result`.
/// Broken promises of our own are exceptions (`std::logic_error`) and never data.
namespace opslab {

/// What kind of failure it is, independent of HTTP, SQL or errno. `http/problem.cpp` alone maps
/// these to status codes.
enum class Errc {
    invalid_argument,   ///< the caller's input is wrong; `fields` says where
    not_found,          ///< the thing named does not exist
    conflict,           ///< the thing exists but its state forbids the call
    stale_attempt,      ///< the writer no longer owns the attempt (its lease is lost)
    unavailable,        ///< a database, engine or peer is away; trying again can help
    timeout,            ///< a bound on waiting was reached
    exhausted,          ///< a limit of ours was reached (queue, streams, disk)
    permission_denied,  ///< the caller or the process lacks a right
    unsupported,        ///< this plugin or build cannot do it, ever
    internal,           ///< a defect; the detail is for the log
};

/// One offending field: a JSON pointer for a body, the parameter's name for a query.
struct FieldError {
    std::string field;
    std::string message;

    bool operator==(const FieldError&) const = default;
};

/// A failure as a value. `message` is for people: no full stop, ids in quotes, no secret, no SQL.
/// `detail` is for the log alone and never reaches a client. `reason` is the machine word of the
/// REST error form where the code alone is too coarse (`idempotency_conflict`); empty otherwise.
struct Error {
    Errc code = Errc::internal;
    std::string message;
    std::string detail{};
    std::string reason{};
    std::vector<FieldError> fields{};
};

template <class T>
using Result = tl::expected<T, Error>;

using Status = Result<void>;

/// Shorthand for the failing return: `return fail(Errc::not_found, "no task \"" + id + "\"");`
[[nodiscard]] inline tl::unexpected<Error> fail(
    Errc code, std::string message, std::string detail = {}
) {
    return tl::unexpected<Error>(Error{
        .code = code, .message = std::move(message), .detail = std::move(detail)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

/// Adds context on the way up, once per layer: `claim tasks: database is away`.
[[nodiscard]] inline Error within(const std::string& context, Error error) {
    error.message = context + ": " + error.message;
    return error;
}

[[nodiscard]] constexpr const char* to_string(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return "invalid_argument";
        case Errc::not_found:
            return "not_found";
        case Errc::conflict:
            return "conflict";
        case Errc::stale_attempt:
            return "stale_attempt";
        case Errc::unavailable:
            return "unavailable";
        case Errc::timeout:
            return "timeout";
        case Errc::exhausted:
            return "exhausted";
        case Errc::permission_denied:
            return "permission_denied";
        case Errc::unsupported:
            return "unsupported";
        case Errc::internal:
            return "internal";
    }
    return "internal";
}

}  // namespace opslab
