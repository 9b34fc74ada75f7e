#pragma once

#include "http/message.hpp"
#include "http/router.hpp"

#include <memory>
#include <string>

namespace opslab::fuzz {

/// What came back of one request.
struct Answered {
    HttpResponse response{};
    std::unique_ptr<StreamSource> source{};
};

/// Lets the next request find an empty storage.
void reset_api();

/// The whole API without a socket, over the in-memory storage. Waits for the answer; the clock
/// moves on while there is none, so that no wait of a handler's lasts.
[[nodiscard]] Answered ask_api(HttpRequest request);

[[nodiscard]] const Router& api_router();

}  // namespace opslab::fuzz
