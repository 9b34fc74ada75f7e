#pragma once

#include "http/framing_check.hpp"
#include "http/message.hpp"

#include <opslab/error.hpp>

#include <http_parser.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace opslab {

struct InboundLimits {
    std::size_t max_body = 0;
    std::size_t max_url = 0;
    std::size_t max_headers = 0;
    std::size_t max_header_fields = 0;
};

/// Why a request will not become one, and what is known of it for the answer.
struct InboundFault {
    Error error{};
    HttpRequest known{};
};

/// Reads along with the server's own parser, byte for byte and one message at a time, since that
/// one closes the connection without a word on whatever it does not like. Finds limits passed and
/// bad syntax while an answer is still possible. One for each connection; no threads, no sockets.
class InboundGuard {
public:
    struct Verdict {
        std::size_t accepted = 0;     ///< bytes that belong to the current message: pass these on
        bool wants_continue = false;  ///< the client waits for `100 Continue`
        std::optional<InboundFault> fault{};  ///< answer this and close; pass nothing on
    };

    explicit InboundGuard(const InboundLimits& limits);
    InboundGuard(const InboundGuard&) = delete;
    InboundGuard& operator=(const InboundGuard&) = delete;

    /// Reads `size` (at least 1) bytes. Takes an `Upgrade` field's power away by changing its name
    /// in place: such a request is then answered like any other, as the standard allows, while the
    /// server's own path for it has no time limit.
    [[nodiscard]] Verdict inspect(char* data, std::size_t size);

    /// Whether a request has begun and not yet ended.
    [[nodiscard]] bool in_message() const { return begun_ && !complete_; }
    /// Bytes of the body so far.
    [[nodiscard]] std::size_t body_bytes() const { return body_; }

private:
    enum class Field { other, expect, request_id, transfer_encoding, host };

    static const http_parser_settings& callbacks();
    static InboundGuard& self(http_parser* parser);

    void begin_message();
    int on_url(std::size_t size);
    int on_field(char* at, std::size_t size);
    int on_value(std::string_view piece);
    int on_head();
    int on_body(std::size_t size);
    int refuse(Errc code, const char* reason, std::string message);
    [[nodiscard]] InboundFault parser_fault(std::string_view unread);
    void classify_field();
    [[nodiscard]] std::string* kept_value();
    int malformed(const char* what);

    const InboundLimits& limits_;
    http_parser parser_{};
    bool begun_ = false;
    bool complete_ = false;
    bool fresh_ = true;  ///< nothing of the current message came in an earlier read
    std::size_t url_ = 0;
    std::size_t head_ = 0;
    std::size_t fields_ = 0;
    std::size_t body_ = 0;
    std::size_t chunks_ = 0;
    bool in_value_ = true;
    std::string name_{};
    std::string value_{};
    Field field_ = Field::other;
    std::string expect_{};
    std::string transfer_encoding_{};
    bool chunked_ = false;
    FramingCheck framing_{};
    bool wants_continue_ = false;
    std::optional<InboundFault> fault_{};
    std::string request_id_{};
    std::string host_{};
    std::size_t hosts_ = 0;
};

}  // namespace opslab
