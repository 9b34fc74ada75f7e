#pragma once

#include "http/message.hpp"
#include "service/group_commit.hpp"

#include <opslab/error.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace opslab {

/// A `Reply` that answers a request: with `encode(value)`, or in the error form. It comes on a
/// committer's thread, which no exception of ours may end.
template <class Value, class Encode>
[[nodiscard]] Reply<Value> reply_to(Responder responder, Encode encode) {
    // a Reply is copyable and a Responder is not
    auto shared = std::make_shared<Responder>(std::move(responder));
    return [shared = std::move(shared), encode = std::move(encode)](Result<Value> result) {
        try {
            if (result) {
                shared->respond(encode(*result));
            } else {
                shared->fail(result.error());
            }
        } catch (const std::exception& error) {
            shared->fail(Error{.code = Errc::internal, .message = "", .detail = error.what()});
        }
    };
}

}  // namespace opslab
