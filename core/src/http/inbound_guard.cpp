#include "http/inbound_guard.hpp"

#include "http/dispatcher.hpp"
#include "http/field_name.hpp"
#include "http/problem.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace opslab {

namespace {

/// The longest field name that matters here, and one more to tell it from longer ones.
constexpr std::size_t kNameKept = 18;
constexpr std::size_t kValueKept = 262;  // a host's name of 255 bytes and its port
/// What a chunk costs the server beside its bytes is bounded by their number.
constexpr std::size_t kMaxChunks = 65536;

/// `host [":" port]` with an IPv6 address in brackets. What stands for anything else (a list, a
/// path, a user's name) would let a proxy in front and this server differ on who is meant.
bool is_host(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    constexpr std::string_view kOthers = "-._~%!$&'()*+;=:[]";
    return text.size() < kValueKept && std::all_of(text.begin(), text.end(), [&](char c) {
               return (lower_ascii(c) >= 'a' && lower_ascii(c) <= 'z') || (c >= '0' && c <= '9') ||
                      kOthers.find(c) != std::string_view::npos;
           });
}

/// The request line's method and target, where the parser stumbled over the method.
std::optional<HttpRequest> request_line(std::string_view text) {
    while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) {
        text.remove_prefix(1);
    }
    const auto line = text.substr(0, text.find_first_of("\r\n"));
    const auto space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 32) {
        return std::nullopt;
    }
    const auto method = line.substr(0, space);
    const bool token = std::all_of(method.begin(), method.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
    const auto rest = line.substr(space + 1);
    const auto end = rest.find(' ');
    if (!token || end == std::string_view::npos || !rest.substr(end + 1).starts_with("HTTP/1.")) {
        return std::nullopt;
    }
    HttpRequest known;
    known.method = HttpMethod::other;
    known.method_name = std::string(method);
    known.target = std::string(rest.substr(0, end));
    return known;
}

}  // namespace

InboundGuard::InboundGuard(const InboundLimits& limits) : limits_(limits) {
    begin_message();
}

InboundGuard& InboundGuard::self(http_parser* parser) {
    return *static_cast<InboundGuard*>(parser->data);
}

const http_parser_settings& InboundGuard::callbacks() {
    static const http_parser_settings kCallbacks = [] {
        http_parser_settings settings;
        http_parser_settings_init(&settings);
        settings.on_url = [](http_parser* parser, const char*, std::size_t size) {
            return self(parser).on_url(size);
        };
        settings.on_header_field = [](http_parser* parser, const char* at, std::size_t size) {
            // the bytes are the read buffer's, which `inspect` was given to change
            return self(parser).on_field(const_cast<char*>(at), size);
        };
        settings.on_header_value = [](http_parser* parser, const char* at, std::size_t size) {
            return self(parser).on_value({at, size});
        };
        settings.on_headers_complete = [](http_parser* parser) { return self(parser).on_head(); };
        settings.on_body = [](http_parser* parser, const char*, std::size_t size) {
            return self(parser).on_body(size);
        };
        settings.on_chunk_header = [](http_parser* parser) {
            auto& guard = self(parser);
            return ++guard.chunks_ > kMaxChunks ? guard.refuse(
                                                      Errc::invalid_argument,
                                                      "body_too_large",
                                                      "the body has more than 65536 chunks"
                                                  )
                                                : 0;
        };
        settings.on_message_complete = [](http_parser* parser) {
            self(parser).complete_ = true;
            http_parser_pause(parser, 1);
            return 0;
        };
        return settings;
    }();
    return kCallbacks;
}

void InboundGuard::begin_message() {
    http_parser_init(&parser_, HTTP_REQUEST);
    parser_.data = this;
    begun_ = false;
    complete_ = false;
    fresh_ = true;
    url_ = head_ = fields_ = body_ = chunks_ = 0;
    in_value_ = true;
    field_ = Field::other;
    wants_continue_ = false;
    name_.clear();
    value_.clear();
    expect_.clear();
    transfer_encoding_.clear();
    chunked_ = false;
    framing_ = FramingCheck();
    request_id_.clear();
    host_.clear();
    hosts_ = 0;
}

InboundGuard::Verdict InboundGuard::inspect(char* data, std::size_t size) {
    if (complete_) {
        begin_message();
    }
    begun_ = true;
    wants_continue_ = false;
    const auto parsed = http_parser_execute(&parser_, &callbacks(), data, size);
    const auto failure = HTTP_PARSER_ERRNO(&parser_);
    Verdict verdict;
    verdict.accepted = std::min(parsed, size);
    if (failure != HPE_OK && failure != HPE_PAUSED) {
        verdict.fault =
            fault_ ? std::move(fault_) : parser_fault(fresh_ ? std::string_view(data, size) : "");
        fault_.reset();
        verdict.fault->known.method_name =
            verdict.fault->known.method_name.empty() ? "GET" : verdict.fault->known.method_name;
        return verdict;
    }
    if (const char* wrong = framing_.read({data, verdict.accepted}, chunked_)) {
        malformed(wrong);
        verdict.fault = std::exchange(fault_, std::nullopt);
        return verdict;
    }
    fresh_ = false;
    verdict.wants_continue = wants_continue_ && !complete_;
    return verdict;
}

int InboundGuard::refuse(Errc code, const char* reason, std::string message) {
    InboundFault fault;
    fault.error = problem(code, reason, std::move(message));
    fault.known.method_name = http_method_str(static_cast<http_method>(parser_.method));
    fault.known.method = http_method_from(fault.known.method_name);
    if (is_sane_request_id(request_id_)) {
        fault.known.headers.add("X-Request-ID", request_id_);
    }
    fault_ = std::move(fault);
    return -1;
}

InboundFault InboundGuard::parser_fault(std::string_view unread) {
    const auto failure = HTTP_PARSER_ERRNO(&parser_);
    if (failure == HPE_HEADER_OVERFLOW) {
        refuse(Errc::invalid_argument, "headers_too_large", "the header block is too large");
    } else if (failure == HPE_INVALID_METHOD && request_line(unread)) {
        refuse(
            Errc::invalid_argument, "method_not_allowed", "this path does not serve this method"
        );
        fault_->known = *request_line(unread);
    } else {
        refuse(
            Errc::invalid_argument,
            "malformed_request",
            std::string("the request is not valid HTTP: ") + http_errno_description(failure)
        );
        fault_->known.method = HttpMethod::other;
    }
    auto fault = std::move(*fault_);
    fault_.reset();
    return fault;
}

int InboundGuard::on_url(std::size_t size) {
    url_ += size;
    if (url_ > limits_.max_url) {
        return refuse(
            Errc::invalid_argument,
            "uri_too_long",
            "the URL is longer than " + std::to_string(limits_.max_url) + " bytes"
        );
    }
    return 0;
}

int InboundGuard::on_field(char* at, std::size_t size) {
    if (in_value_) {
        in_value_ = false;
        name_.clear();
        value_.clear();
        head_ += 4;
        ++fields_;
    }
    head_ += size;
    for (std::size_t i = 0; i < size && name_.size() < kNameKept; ++i) {
        name_.push_back(lower_ascii(at[i]));
    }
    // the parser also tells of nothing, where a read ends just before the colon
    if (name_ == "upgrade" && size > 0) {
        at[size - 1] = 'x';
    }
    if (head_ > limits_.max_headers || fields_ > limits_.max_header_fields) {
        return refuse(Errc::invalid_argument, "headers_too_large", "the header block is too large");
    }
    return 0;
}

void InboundGuard::classify_field() {
    field_ = name_ == "expect"              ? Field::expect
             : name_ == "x-request-id"      ? Field::request_id
             : name_ == "host"              ? Field::host
             : name_ == "transfer-encoding" ? Field::transfer_encoding
                                            : Field::other;
    if (field_ == Field::transfer_encoding && chunked_) {
        // of several fields only the last would be looked at: together they are no "chunked"
        transfer_encoding_.push_back(',');
    }
    chunked_ = chunked_ || field_ == Field::transfer_encoding;
    hosts_ += field_ == Field::host ? 1U : 0U;
}

std::string* InboundGuard::kept_value() {
    switch (field_) {
        case Field::expect:
            return &expect_;
        case Field::request_id:
            return &request_id_;
        case Field::transfer_encoding:
            return &transfer_encoding_;
        case Field::host:
            return &host_;
        case Field::other:
            break;
    }
    return nullptr;
}

int InboundGuard::malformed(const char* what) {
    return refuse(
        Errc::invalid_argument,
        "malformed_request",
        std::string("the request is not valid HTTP: ") + what
    );
}

int InboundGuard::on_value(std::string_view piece) {
    if (!in_value_) {
        in_value_ = true;
        classify_field();
    }
    head_ += piece.size();
    if (auto* kept = kept_value(); kept != nullptr && kept->size() < kValueKept) {
        kept->append(piece.substr(0, kValueKept - kept->size()));
    }
    if (head_ > limits_.max_headers) {
        return refuse(Errc::invalid_argument, "headers_too_large", "the header block is too large");
    }
    return 0;
}

int InboundGuard::on_head() {
    parser_.upgrade = 0;
    if (parser_.http_major != 1) {
        return refuse(
            Errc::unsupported, "http_version_not_supported", "only HTTP/1.1 and HTTP/1.0 are spoken"
        );
    }
    if (parser_.method == HTTP_CONNECT) {
        return refuse(Errc::invalid_argument, "method_not_allowed", "this server is no proxy");
    }
    // RFC 9112, section 3.2; the older version knows no Host
    if (hosts_ > 1 || (hosts_ == 0 && parser_.http_minor >= 1)) {
        return malformed(hosts_ > 1 ? "there is more than one Host" : "there is no Host");
    }
    if (!is_host(host_)) {
        return malformed("the Host is no name or address with a port");
    }
    std::transform(
        transfer_encoding_.begin(),
        transfer_encoding_.end(),
        transfer_encoding_.begin(),
        lower_ascii
    );
    if (chunked_ && (parser_.http_minor < 1 || transfer_encoding_ != "chunked")) {
        return malformed("the only transfer coding is chunked, once, from HTTP/1.1 on");
    }
    const bool has_length =
        parser_.content_length != std::numeric_limits<decltype(parser_.content_length)>::max();
    if (has_length && parser_.content_length > limits_.max_body) {
        return on_body(limits_.max_body + 1);
    }
    std::transform(expect_.begin(), expect_.end(), expect_.begin(), lower_ascii);
    if (!expect_.empty() && expect_ != "100-continue") {
        return refuse(
            Errc::invalid_argument, "expectation_failed", "no such expectation can be met"
        );
    }
    wants_continue_ = !expect_.empty() && parser_.http_minor >= 1;
    return 0;
}

int InboundGuard::on_body(std::size_t size) {
    body_ += size;
    wants_continue_ = false;
    if (body_ > limits_.max_body) {
        return refuse(
            Errc::invalid_argument,
            "body_too_large",
            "the body is larger than " + std::to_string(limits_.max_body) + " bytes"
        );
    }
    return 0;
}

}  // namespace opslab
