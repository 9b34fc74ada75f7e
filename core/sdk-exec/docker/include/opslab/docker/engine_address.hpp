#pragma once

#include <opslab/docker/engine_error.hpp>

#include <string>
#include <string_view>

namespace opslab::docker {

/// Where an engine listens.
struct EngineAddress {
    std::string socket_path{};  ///< of a unix socket; empty: `authority` over TCP
    std::string authority{};    ///< `host:port`

    /// As people write it: `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375`.
    [[nodiscard]] std::string text() const;
};

/// `setting` if it is not empty, else `docker_host` (the value of DOCKER_HOST, may be empty), else
/// the usual socket. A plain absolute path is a unix socket.
/// Fails: `refused`, with what is understood.
[[nodiscard]] EngineResult<EngineAddress> engine_address(
    std::string_view setting, std::string_view docker_host
);

}  // namespace opslab::docker
