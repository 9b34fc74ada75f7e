#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace opslab::docker {

/// What a call to the engine failed of, so that callers decide without reading texts.
enum class EngineErrc : std::uint8_t {
    away,         ///< nobody answers, or the connection broke: trying again can help
    timeout,      ///< the call's own bound on waiting was reached
    interrupted,  ///< the interrupt descriptor became readable
    stopped,      ///< the one who took the bytes of a stream wanted no more of them
    not_found,    ///< 404: no such container or image
    conflict,     ///< 409: a name is taken, or the container's state forbids the call
    refused,      ///< any other 4xx: the request itself is wrong for this engine
    fault,        ///< 5xx: the engine could not do it
    protocol,     ///< the answer is not one of a Docker engine
};

/// `message` is for people and says where the engine was looked for; the engine's own words are cut
/// to a sane length and hold no control characters.
struct EngineError {
    EngineErrc code = EngineErrc::protocol;
    std::string message{};
};

template <class T>
using EngineResult = tl::expected<T, EngineError>;
using EngineStatus = EngineResult<void>;

[[nodiscard]] inline tl::unexpected<EngineError> engine_fail(EngineErrc code, std::string message) {
    return tl::unexpected<EngineError>(EngineError{code, std::move(message)});
}

}  // namespace opslab::docker
