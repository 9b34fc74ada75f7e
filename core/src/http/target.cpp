#include "base/text.hpp"
#include "http/problem.hpp"
#include "http/router.hpp"

#include <algorithm>

namespace opslab {

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

tl::unexpected<Error> bad_target(std::string message) {
    return fail(problem(Errc::invalid_argument, "malformed_request", std::move(message)));
}

enum class Plus { literal, space };

Result<std::string> decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::space) {
            decoded.push_back(' ');
            continue;
        }
        if (text[i] != '%') {
            decoded.push_back(text[i]);
            continue;
        }
        if (text.size() - i < 3) {
            return bad_target("a percent escape in the URL is cut short");
        }
        const int first = hex_digit(text[i + 1]);
        const int second = hex_digit(text[i + 2]);
        if (first < 0 || second < 0) {
            return bad_target("a percent escape in the URL is not two hexadecimal digits");
        }
        decoded.push_back(static_cast<char>(first * 16 + second));
        i += 2;
    }
    return decoded;
}

/// What is wrong with a decoded text; empty where nothing is.
std::string_view fault_of(const std::string& decoded) {
    if (decoded.find('\0') != std::string::npos) {
        return "holds a NUL";
    }
    return is_utf8(decoded) ? std::string_view{} : std::string_view("is not valid UTF-8");
}

Result<std::string> decode_text(std::string_view text, Plus plus) {
    auto decoded = decode(text, plus);
    if (decoded) {
        if (const auto fault = fault_of(*decoded); !fault.empty()) {
            return bad_target("the URL " + std::string(fault));
        }
    }
    return decoded;
}

/// `http://host/path` (a proxy's form) as `/path`.
std::string_view without_authority(std::string_view target) {
    const auto scheme = target.find("://");
    if (scheme == std::string_view::npos || target.front() == '/') {
        return target;
    }
    const auto path = target.find_first_of("/?", scheme + 3);
    return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

/// A value that is no text is refused by its parameter's name, like any other wrong value.
Status split_query(std::string_view text, std::vector<QueryParam>& query) {
    std::vector<FieldError> faults;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const auto pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) {
            continue;
        }
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = decode_text(pair.substr(0, equals), Plus::space);
        if (!name) {
            return fail(std::move(name.error()));
        }
        auto value = decode(pair.substr(std::min(equals + 1, pair.size())), Plus::space);
        if (!value) {
            return fail(std::move(value.error()));
        }
        if (const auto fault = fault_of(*value); !fault.empty()) {
            faults.push_back({*name, std::string(fault)});
        }
        query.push_back({std::move(*name), std::move(*value)});
    }
    if (faults.empty()) {
        return {};
    }
    Error error{.code = Errc::invalid_argument, .message = "the query holds what is no text"};
    error.fields = std::move(faults);
    return fail(std::move(error));
}

Status split_path(std::string_view path, std::vector<std::string>& segments) {
    path.remove_prefix(1);
    if (path.empty()) {
        return {};
    }
    if (path.back() == '/') {
        path.remove_suffix(1);
    }
    for (bool more = true; more;) {
        const auto end = std::min(path.find('/'), path.size());
        auto segment = decode_text(path.substr(0, end), Plus::literal);
        if (!segment) {
            return fail(std::move(segment.error()));
        }
        segments.push_back(std::move(*segment));
        more = end < path.size();
        path.remove_prefix(more ? end + 1 : end);
    }
    return {};
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
    if (target.empty()) {
        return bad_target("the request target is empty");
    }
    target = without_authority(target);
    target = target.substr(0, target.find('#'));
    const auto path = target.substr(0, target.find('?'));
    if (!target.starts_with('/') && !target.starts_with('?')) {
        return bad_target("the request target is no path");
    }
    Target result;
    if (path.size() < target.size()) {
        if (auto status = split_query(target.substr(path.size() + 1), result.query); !status) {
            return fail(std::move(status.error()));
        }
    }
    if (!path.empty()) {
        if (auto status = split_path(path, result.segments); !status) {
            return fail(std::move(status.error()));
        }
    }
    auto& segments = result.segments;
    if (segments.size() >= 2 && segments[0] == "api" && segments[1] == "v1") {
        segments.erase(segments.begin(), segments.begin() + 2);
        result.api_prefix = true;
    }
    return result;
}

}  // namespace opslab
