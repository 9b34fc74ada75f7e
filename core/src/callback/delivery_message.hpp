#pragma once

#include "callback/poster.hpp"

#include <opslab/storage.hpp>

#include <string>
#include <string_view>

namespace opslab {

struct MessageSettings {
    std::string version{};  ///< of opslab, for User-Agent
    std::string secret{};   ///< empty: not signed
};

/// The post that tells `delivery.url` of the end of `detail`: the task in detail as `GET
/// /tasks/{id}` shows it, with the event, the delivery's id and the signature of the body.
[[nodiscard]] Post make_message(
    const Delivery& delivery, const TaskDetail& detail, const MessageSettings& settings
);

/// What `X-Opslab-Signature-256` says of `body`: `sha256=` and the HMAC in hexadecimal.
[[nodiscard]] std::string signature_of(std::string_view body, std::string_view secret);

}  // namespace opslab
