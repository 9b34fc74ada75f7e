#include "http/wire.hpp"

#include <fmt/format.h>

namespace opslab::wire {

namespace {

const char* reason_phrase(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 308:
            return "Permanent Redirect";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

/// A value made of others' text must not begin a header or a body of its own.
void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    out += "\r\n";
}

std::string head(
    int status,
    std::string_view content_type,
    const HttpHeaders& headers,
    Connection connection,
    std::size_t reserve
) {
    std::string out;
    out.reserve(reserve);
    out += fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
    if (connection == Connection::close) {
        append_field(out, "Connection", "close");
    }
    if (!content_type.empty()) {
        append_field(out, "Content-Type", content_type);
    }
    for (const auto& [name, value] : headers.all()) {
        append_field(out, name, value);
    }
    return out;
}

}  // namespace

std::string response(const HttpResponse& response, HttpMethod asked, Connection connection) {
    constexpr std::size_t kHeadRoom = 512;
    const bool bodiless = response.status == 204 || response.status == 304;
    const bool has_body = !bodiless && !response.body.empty();
    auto out = head(
        response.status,
        has_body ? std::string_view(response.content_type) : std::string_view(),
        response.headers,
        connection,
        kHeadRoom + response.body.size()
    );
    if (!bodiless) {
        append_field(out, "Content-Length", std::to_string(response.body.size()));
    }
    out += "\r\n";
    if (has_body && asked != HttpMethod::head) {
        out += response.body;
    }
    return out;
}

std::string stream_head(const StreamHead& stream, Connection connection) {
    constexpr std::size_t kHeadRoom = 512;
    auto out = head(stream.status, stream.content_type, stream.headers, connection, kHeadRoom);
    append_field(out, "Transfer-Encoding", "chunked");
    out += "\r\n";
    return out;
}

std::string chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace opslab::wire
