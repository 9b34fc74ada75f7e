#include "http/browser_guard.hpp"

#include "http/field_name.hpp"
#include "http/field_value.hpp"

#include <algorithm>

namespace opslab {

namespace {

constexpr std::string_view kForeignSite = "a page of another site may not call this";
constexpr std::string_view kForeignHost =
    "the Host is neither an address nor a name of one word; a server with a public name needs "
    "server.token_file or server.allow_unauthenticated";

std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) {
        return host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
    }
    return host.substr(0, host.find(':'));
}

bool ends_with_name(std::string_view host, std::string_view name) {
    return host.size() >= name.size() &&
           same_field_name(host.substr(host.size() - name.size()), name);
}

/// No other site can have it for its own: an address is nobody's name, and a name of one word is
/// none of the public ones.
bool is_local_name(std::string_view host) {
    if (host.ends_with('.')) {
        host.remove_suffix(1);
    }
    const bool one_word = host.find('.') == std::string_view::npos;
    const bool address4 = std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= '0' && c <= '9') || c == '.';
    });
    return one_word || address4 || host.starts_with('[') || ends_with_name(host, ".localhost");
}

bool changes_something(HttpMethod method) {
    return method != HttpMethod::get && method != HttpMethod::head && method != HttpMethod::options;
}

bool is_of_another_site(const HttpRequest& request, std::string_view host) {
    if (const auto site = request.headers.find("Sec-Fetch-Site")) {
        return *site != "same-origin" && *site != "none";
    }
    const auto origin = request.headers.find("Origin");
    if (!origin) {
        return false;  // no browser, or an old one that another site could not use for this
    }
    const auto scheme = origin->find("://");
    return scheme == std::string_view::npos || !same_field_name(origin->substr(scheme + 3), host);
}

}  // namespace

std::string_view why_foreign(const HttpRequest& request, HostRule rule) {
    const auto host = trimmed(request.headers.find("Host").value_or(""));
    if (rule == HostRule::local && !is_local_name(without_port(host))) {
        return kForeignHost;
    }
    if (changes_something(request.method) && is_of_another_site(request, host)) {
        return kForeignSite;
    }
    return {};
}

}  // namespace opslab
