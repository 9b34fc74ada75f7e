#include <opslab/docker/engine_address.hpp>

#include <algorithm>

namespace opslab::docker {
namespace {

constexpr std::string_view kUsual = "unix:///var/run/docker.sock";
constexpr std::string_view kUnix = "unix://";
constexpr std::string_view kTcp = "tcp://";
// what fits in a socket's address, its NUL included
constexpr std::size_t kMaxSocketPath = 107;

[[nodiscard]] bool is_authority(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
        return false;
    }
    const auto port = text.substr(colon + 1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto is_host = [&](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
    };
    return port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit) &&
           std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), is_host);
}

}  // namespace

std::string EngineAddress::text() const {
    return socket_path.empty() ? std::string{kTcp} + authority : std::string{kUnix} + socket_path;
}

EngineResult<EngineAddress> engine_address(std::string_view setting, std::string_view docker_host) {
    std::string_view text = setting;
    if (text.empty()) {
        text = docker_host.empty() ? kUsual : docker_host;
    }
    EngineAddress address;
    if (text.starts_with(kUnix)) {
        address.socket_path = text.substr(kUnix.size());
    } else if (text.starts_with('/')) {
        address.socket_path = text;
    } else if (text.starts_with(kTcp)) {
        address.authority = text.substr(kTcp.size());
    }
    const bool is_socket = address.socket_path.starts_with('/') &&
                           address.socket_path.size() <= kMaxSocketPath &&
                           address.socket_path.find('\0') == std::string::npos;
    if (is_socket || is_authority(address.authority)) {
        return address;
    }
    return engine_fail(
        EngineErrc::refused,
        "\"" + std::string{text} +
            "\" is no address of an engine; expected unix:///path/to/socket or tcp://host:port"
    );
}

}  // namespace opslab::docker
