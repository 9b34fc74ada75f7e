#include "http/docs_handlers.hpp"

#include "base/digest.hpp"
#include "docs_html.hpp"
#include "http/gzip_stream.hpp"
#include "http/request_fields.hpp"
#include "http/viewer_files.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace opslab {

namespace {

unsigned hex_value(char digit) {
    return static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/// Lower-case hexadecimal of 32 bytes as base64, the form in which a policy wants a hash.
std::string base64_of_hex(const std::string& hex) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < hex.size(); i += 6) {
        std::array<unsigned, 6> nibbles{};
        for (std::size_t n = 0; n < nibbles.size() && i + n < hex.size(); ++n) {
            nibbles.at(n) = hex_value(hex[i + n]);
        }
        const auto bits = (nibbles[0] << 20U) | (nibbles[1] << 16U) | (nibbles[2] << 12U) |
                          (nibbles[3] << 8U) | (nibbles[4] << 4U) | nibbles[5];
        const auto bytes = (hex.size() - i) / 2;
        for (std::size_t digit = 0; digit < 4; ++digit) {
            text += digit <= bytes ? kDigits[(bits >> (18 - 6 * digit)) & 63U] : '=';
        }
    }
    return text;
}

/// `'sha256-…'` of what stands between the two tags.
std::string hash_of(std::string_view page, std::string_view open, std::string_view close) {
    const auto begin = page.find(open) + open.size();
    const auto inner = page.substr(begin, page.find(close, begin) - begin);
    return "'sha256-" + base64_of_hex(sha256_hex(inner)) + "'";
}

void send_file(
    const HttpRequest& request, std::string_view gzip, const char* type, Responder responder
) {
    HttpResponse file{.status = 200, .content_type = type};
    if (accepts_gzip(request.headers)) {
        file.body = gzip;
        file.headers.add("Content-Encoding", "gzip");
    } else {
        file.body = gunzipped(gzip);
    }
    file.headers.add("Vary", "Accept-Encoding");
    file.headers.add("Cache-Control", "max-age=3600");
    file.headers.add("X-Content-Type-Options", "nosniff");
    responder.respond(std::move(file));
}

}  // namespace

// Swagger UI writes style attributes and shows its own pictures as data: both are allowed, and no
// other origin.
DocsHandlers::DocsHandlers()
    : policy_(
          "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
          "connect-src 'self'; img-src 'self' data:; script-src 'self' " +
          hash_of(k_docs_html, "<script>", "</script>") + "; style-src 'self' 'unsafe-inline'"
      ) {}

void DocsHandlers::page(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    if (!takes_no_query(request, params, responder)) {
        return;
    }
    if (request.target.ends_with('/')) {
        // what the page loads is named from /docs, which also holds behind a proxy's prefix
        HttpResponse moved{.status = 308};
        moved.headers.add("Location", "../docs");
        responder.respond(std::move(moved));
        return;
    }
    HttpResponse page{
        .status = 200,
        .body = std::string(k_docs_html),
        .content_type = "text/html; charset=utf-8"};
    page.headers.add("Content-Security-Policy", policy_);
    page.headers.add("X-Content-Type-Options", "nosniff");
    page.headers.add("Referrer-Policy", "no-referrer");
    responder.respond(std::move(page));
}

void DocsHandlers::script(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    if (takes_no_query(request, params, responder)) {
        send_file(request, viewer_script(), "text/javascript; charset=utf-8", std::move(responder));
    }
}

void DocsHandlers::style(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    if (takes_no_query(request, params, responder)) {
        send_file(request, viewer_style(), "text/css; charset=utf-8", std::move(responder));
    }
}

}  // namespace opslab
