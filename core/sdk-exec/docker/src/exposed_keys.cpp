#include "exposed_keys.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace opslab::docker {
namespace {

[[nodiscard]] bool looks_like_a_key(std::string name) {
    static constexpr std::array<std::string_view, 7> kEnds{
        "KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS"};
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) {
        return name.ends_with(end);
    });
}

[[nodiscard]] bool is_root(const std::string& user) {
    const std::string name = user.substr(0, user.find(':'));
    return name.empty() || name == "0" || name == "root";
}

}  // namespace

std::optional<std::string> exposed_keys(const ContainerSpec& spec, const std::string& image_user) {
    const std::string& user = spec.user.empty() ? image_user : spec.user;
    if (!spec.has_init || is_root(user)) {
        return std::nullopt;
    }
    std::string names;
    for (const auto& [name, value] : spec.variables) {
        if (looks_like_a_key(name)) {
            names += (names.empty() ? "" : ", ") + name;
        }
    }
    if (names.empty()) {
        return std::nullopt;
    }
    return "an agent's commands that run as the driver's user \"" + user + "\" can read " + names +
           " in /proc/1/environ: let the driver be root and run them as another user, or set init: "
           "false (docs/security.md)";
}

}  // namespace opslab::docker
