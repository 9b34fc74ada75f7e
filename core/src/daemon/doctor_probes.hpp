#pragma once

#include "daemon/doctor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How the doctor looks at the machine, without libraries that a broken one may lack.
namespace opslab::daemon {

/// The body of `GET path` from a unix socket (`/run/x.sock`) or a numeric address (`127.0.0.1`,
/// `port`), at most 64 KiB, within 3 s; nothing where there is no good answer.
[[nodiscard]] std::optional<std::string> ask_socket(
    const std::string& address, std::uint16_t port, std::string_view path
);

/// `found` where nobody listens there, so that a server could.
[[nodiscard]] bool can_listen(const std::string& address, std::uint16_t port, std::string& why);

[[nodiscard]] Check check_disk(const std::string& name, const std::string& path);
[[nodiscard]] Check check_clock();
[[nodiscard]] Check check_open_files(std::uint64_t wanted);

}  // namespace opslab::daemon
