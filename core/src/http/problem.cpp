#include "http/problem.hpp"

#include "base/json.hpp"
#include "http/field_value.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace opslab {

namespace {

struct ReasonStatus {
    std::string_view reason;
    int status;
};

/// Words with a status of their own; every other reason has its code's.
constexpr std::array kReasonStatuses{
    ReasonStatus{"unauthorized", 401},
    ReasonStatus{"method_not_allowed", 405},
    ReasonStatus{"not_acceptable", 406},
    ReasonStatus{"request_timeout", 408},
    ReasonStatus{"body_too_large", 413},
    ReasonStatus{"uri_too_long", 414},
    ReasonStatus{"unsupported_media_type", 415},
    ReasonStatus{"expectation_failed", 417},
    ReasonStatus{"headers_too_large", 431},
    ReasonStatus{"http_version_not_supported", 505},
};

int status_of_code(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return 400;
        case Errc::not_found:
            return 404;
        case Errc::conflict:
        case Errc::stale_attempt:
            return 409;
        case Errc::unavailable:
        case Errc::timeout:
        case Errc::exhausted:
            return 503;
        case Errc::permission_denied:
            return 403;
        case Errc::unsupported:
            return 501;
        case Errc::internal:
            return 500;
    }
    return 500;
}

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return result;
}

bool is_json_type(std::string_view value) {
    const auto lowered = lower_case(value);
    const std::string_view text = lowered;
    const auto end = text.find(';');
    const auto type = trimmed(text.substr(0, end));
    constexpr std::string_view kPrefix = "application/";
    constexpr std::string_view kSuffix = "+json";
    const bool is_json =
        type == "application/json" || (type.size() > kPrefix.size() + kSuffix.size() &&
                                       type.starts_with(kPrefix) && type.ends_with(kSuffix));
    if (!is_json || end == std::string_view::npos) {
        return is_json;
    }
    const auto charset = text.find("charset=", end);
    if (charset == std::string_view::npos) {
        return true;
    }
    auto name = text.substr(charset + 8);
    name = trimmed(name.substr(0, name.find(';')));
    return name == "utf-8" || name == "\"utf-8\"" || name == "utf8";
}

}  // namespace

std::string in_full(const Error& error) {
    return error.detail.empty() ? error.message : error.message + ": " + error.detail;
}

int http_status_of(const Error& error) {
    for (const auto& [reason, status] : kReasonStatuses) {
        if (error.reason == reason) {
            return status;
        }
    }
    return status_of_code(error.code);
}

std::string problem_code_of(const Error& error) {
    if (!error.reason.empty()) {
        return error.reason;
    }
    return error.code == Errc::invalid_argument ? "validation_error" : to_string(error.code);
}

HttpResponse problem_response(const Error& error) {
    const int status = http_status_of(error);
    const bool hidden = error.code == Errc::internal;
    auto details = Json::object();
    if (error.code == Errc::invalid_argument && problem_code_of(error) == "validation_error") {
        details["fields"] = Json::array();
        for (const auto& [field, message] : error.fields) {
            details["fields"].push_back({{"field", field}, {"message", message}});
        }
    }
    const Json body{
        {"error", hidden ? "internal error" : error.message},
        {"code", hidden ? "internal" : problem_code_of(error)},
        {"details", std::move(details)},
    };
    auto response = json_response(status, dump_json(body));
    if (hidden) {
        response.cause = in_full(error);
    } else if (status < 500) {
        response.cause = problem_code_of(error) + ": " + error.message;
    }
    if (status == 503) {
        response.headers.add("Retry-After", "1");
        response.cause = error.detail;
    }
    if (status == 401) {
        response.headers.add("WWW-Authenticate", "Bearer");
    }
    return response;
}

void add_error_id(HttpResponse& response, const std::string& id) {
    auto body = Json::parse(response.body, nullptr, false);
    if (!body.is_object() || !body.contains("details") || !body["details"].is_object()) {
        return;
    }
    body["details"]["error_id"] = id;
    response.body = dump_json(body);
}

Error problem(Errc code, std::string reason, std::string message) {
    Error error{.code = code, .message = std::move(message)};
    error.reason = std::move(reason);
    return error;
}

Status require_json_content(const HttpRequest& request) {
    const auto type = request.headers.find("Content-Type");
    if (type ? is_json_type(*type) : request.body.empty()) {
        return {};
    }
    return fail(problem(
        Errc::invalid_argument,
        "unsupported_media_type",
        "the body must be sent as Content-Type application/json"
    ));
}

}  // namespace opslab
