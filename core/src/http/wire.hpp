#pragma once

#include "http/message.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Answers as the bytes of HTTP/1.1.
namespace opslab::wire {

enum class Connection { keep_alive, close };

/// The whole answer. For HEAD the body stays away and its length is told. 204 and 304 have neither.
[[nodiscard]] std::string response(
    const HttpResponse& response, HttpMethod asked, Connection connection
);

/// The head of a chunked answer.
[[nodiscard]] std::string stream_head(const StreamHead& head, Connection connection);

/// `bytes`, not empty, as one chunk.
[[nodiscard]] std::string chunk(std::string_view bytes);

/// What ends a chunked answer.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// What a client with `Expect: 100-continue` waits for.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace opslab::wire
