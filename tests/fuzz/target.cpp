#include "base/text.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/whole_api.hpp"
#include "http/router.hpp"

#include <algorithm>

/// A request's target, taken apart and routed. Promised: what comes out is valid UTF-8 without NUL;
/// written again and read again it is the same; the router says what a plain search over all
/// patterns says, so no path has two routes.
namespace opslab::fuzz {
namespace {

std::string escaped(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
    }
    return out;
}

std::string written_target(const opslab::Target& target) {
    std::string out = target.api_prefix ? "/api/v1/" : "/";
    for (const auto& segment : target.segments) {
        out += escaped(segment) + "/";
    }
    char mark = '?';
    for (const auto& [name, value] : target.query) {
        out += mark + escaped(name) + "=" + escaped(value);
        mark = '&';
    }
    return out;
}

std::vector<std::string> split_pattern(std::string_view pattern) {
    std::vector<std::string> segments;
    pattern.remove_prefix(1);
    while (!pattern.empty()) {
        const auto end = std::min(pattern.find('/'), pattern.size());
        segments.emplace_back(pattern.substr(0, end));
        pattern.remove_prefix(std::min(end + 1, pattern.size()));
    }
    return segments;
}

/// What the pattern makes of the path: `l` and `p` for each segment (a literal comes before
/// a parameter), nothing where it does not match.
std::string fit(const std::string& pattern, const std::vector<std::string>& path) {
    const auto wanted = split_pattern(pattern);
    std::string kinds;
    if (wanted.size() != path.size()) {
        return "-";
    }
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i].empty() || (wanted[i] != path[i] && wanted[i].front() != '{')) {
            return "-";
        }
        kinds += wanted[i].front() == '{' ? 'p' : 'l';
    }
    return kinds;
}

void check_route(const Router& router, const std::vector<std::string>& path) {
    std::string best_kinds = "z";
    std::string best;
    for (const auto* route : router.routes()) {
        const auto kinds = fit(route->pattern, path);
        if (kinds == "-" || (path.empty() && route->pattern != "/")) {
            continue;
        }
        require(kinds != best_kinds || route->pattern == best, "no path has two routes", best);
        if (kinds < best_kinds) {
            best_kinds = kinds;
            best = route->pattern;
        }
    }
    const auto match = router.match(HttpMethod::get, path);
    require(match.pattern == best, "the router finds the nearest pattern", best);
    require(match.allowed.empty() == best.empty(), "a known path serves some method", best);
    for (const auto method : {HttpMethod::get, HttpMethod::post, HttpMethod::del}) {
        const auto asked = router.match(method, path);
        const bool allowed = std::count(asked.allowed.begin(), asked.allowed.end(), method) == 1;
        require(allowed == (asked.route != nullptr), "Allow lists what is served, once", best);
        require(
            asked.route == nullptr ||
                (asked.route->pattern == best && asked.route->method == method),
            "the route is of that pattern and method",
            best
        );
    }
}

void request_target(std::string_view input) {
    const auto parsed = parse_target(input);
    if (!parsed) {
        const auto& error = parsed.error();
        require(error.code == Errc::invalid_argument, "a bad target is the client's fault");
        require(
            (error.reason == "malformed_request") == error.fields.empty(),
            "a parameter that is no text is named"
        );
        return;
    }
    for (const auto& segment : parsed->segments) {
        require(is_utf8(segment), "segments are UTF-8", segment);
        require(segment.find('\0') == std::string::npos, "segments hold no NUL", segment);
    }
    for (const auto& [name, value] : parsed->query) {
        require(is_utf8(name) && is_utf8(value), "parameters are UTF-8", name);
        require((name + value).find('\0') == std::string::npos, "parameters hold no NUL", name);
    }
    const auto text = written_target(*parsed);
    const auto again = parse_target(text);
    require(again.has_value(), "what was read can be written and read", text);
    require(
        again->segments == parsed->segments && again->api_prefix == parsed->api_prefix,
        "the path stays the same",
        text
    );
    require(again->query == parsed->query, "the query stays the same", text);
    check_route(api_router(), parsed->segments);
}

const Registration kRequestTarget{"target", request_target};

}  // namespace
}  // namespace opslab::fuzz
