#include "callback/delivery_message.hpp"

#include "base/digest.hpp"
#include "domain/task_codec.hpp"

#include <nlohmann/json.hpp>

namespace opslab {

std::string signature_of(std::string_view body, std::string_view secret) {
    return "sha256=" + hmac_sha256_hex(secret, body);
}

Post make_message(
    const Delivery& delivery, const TaskDetail& detail, const MessageSettings& settings
) {
    Post post{.id = delivery.id, .url = delivery.url, .headers = {}, .body = {}};
    post.body = dump_json(to_json(detail));
    post.headers = {
        "Content-Type: application/json",
        "User-Agent: opslab/" + settings.version,
        "X-Opslab-Event: task." + std::string(to_string(delivery.status)),
        "X-Opslab-Delivery: " + delivery.id.value,
    };
    if (!settings.secret.empty()) {
        post.headers.push_back(
            "X-Opslab-Signature-256: " + signature_of(post.body, settings.secret)
        );
    }
    return post;
}

}  // namespace opslab
