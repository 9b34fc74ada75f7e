#pragma once

#include <opslab/docker/engine_address.hpp>
#include <opslab/docker/engine_error.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace opslab::docker {

/// Takes the next bytes of a body; false: no more of it is wanted.
using TakeBytes = std::function<bool(std::string_view)>;

struct HttpCall {
    const char* method = "GET";
    std::string target{};  ///< path and query, encoded
    std::string_view body{};
    const char* content_type = nullptr;                           ///< null where there is no body
    std::chrono::milliseconds timeout{std::chrono::seconds{30}};  ///< 0: none
    std::chrono::seconds idle_timeout{0};  ///< without one byte for so long: timeout; 0: never
    Interrupt interrupt{};
    const TakeBytes* take = nullptr;  ///< where a success's body goes; null: into the reply
};

struct HttpReply {
    long status = 0;
    std::string body{};         ///< at most 8 MiB, or the call fails
    std::string api_version{};  ///< the header Api-Version
};

/// One HTTP exchange, on a connection of its own. Threads: any.
/// Fails: `away`, `timeout`, `interrupted`, `stopped`, `protocol`. Any status is a success.
[[nodiscard]] EngineResult<HttpReply> perform(const EngineAddress& address, const HttpCall& call);

/// `text` for use in a path or a query.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace opslab::docker
