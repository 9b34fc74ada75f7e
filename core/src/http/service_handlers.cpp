#include "http/service_handlers.hpp"

#include "base/digest.hpp"
#include "docs_html.hpp"
#include "domain/task_codec.hpp"
#include "http/request_fields.hpp"
#include "openapi_json.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace opslab {

namespace {

bool takes_nothing(const HttpRequest& request, const PathParams& params, Responder& responder) {
    RequestFields fields(request, params);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
    }
    return fields.good();
}

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

}  // namespace

ServiceHandlers::ServiceHandlers(
    TaskService& tasks, Storage& storage, MetricsText& metrics, Clock& clock, std::string version
)
    : tasks_(tasks),
      storage_(storage),
      metrics_(metrics),
      clock_(clock),
      version_(std::move(version)),
      docs_policy_(
          "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
          "connect-src 'self'; script-src " +
          hash_of(k_docs_html, "<script>", "</script>") + "; style-src " +
          hash_of(k_docs_html, "<style>", "</style>")
      ) {}

void ServiceHandlers::health(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (!takes_nothing(request, params, responder)) {
        return;
    }
    const auto info = storage_.info();
    const auto began = clock_.steady();
    const auto ping = storage_.ping();
    const std::chrono::duration<double, std::milli> took = clock_.steady() - began;
    const auto counts = ping ? tasks_.counts() : Result<QueueCounts>(opslab::fail(ping.error()));
    Json workers = nullptr;
    Json queue = nullptr;
    if (counts) {
        workers = {
            {"idle", counts->workers_idle},
            {"busy", counts->workers_busy},
            {"offline", counts->workers_offline},
        };
        queue = to_json(counts->tasks);
    }
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"status", counts ? "healthy" : "degraded"},
            {"version", version_},
            {"storage",
             {
                 {"plugin", info.name},
                 {"status", ping ? "available" : "unavailable"},
                 {"latency_ms", ping ? Json(took.count()) : Json(nullptr)},
                 {"schema_version", info.schema_version},
             }},
            {"workers", std::move(workers)},
            {"queue", std::move(queue)},
        })
    ));
}

void ServiceHandlers::live(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (takes_nothing(request, params, responder)) {
        responder.respond(json_response(200, R"({"status":"alive"})"));
    }
}

void ServiceHandlers::ready(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (!takes_nothing(request, params, responder)) {
        return;
    }
    // a storage that is open has its migrations in; what is left is whether it answers
    if (const auto ping = storage_.ping(); !ping) {
        responder.fail(Error{
            .code = Errc::unavailable,
            .message = "the storage does not answer",
            .detail = ping.error().message});
        return;
    }
    responder.respond(json_response(200, R"({"status":"ready"})"));
}

void ServiceHandlers::metrics(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (!takes_nothing(request, params, responder)) {
        return;
    }
    auto text = metrics_.metrics_text();
    if (!text) {
        responder.fail(text.error());
        return;
    }
    responder.respond(HttpResponse{
        .status = 200,
        .body = std::move(*text),
        .content_type = "text/plain; version=0.0.4; charset=utf-8"});
}

void ServiceHandlers::openapi(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (takes_nothing(request, params, responder)) {
        responder.respond(json_response(200, std::string(k_openapi_json)));
    }
}

void ServiceHandlers::docs(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (!takes_nothing(request, params, responder)) {
        return;
    }
    HttpResponse page{
        .status = 200,
        .body = std::string(k_docs_html),
        .content_type = "text/html; charset=utf-8"};
    page.headers.add("Content-Security-Policy", docs_policy_);
    page.headers.add("X-Content-Type-Options", "nosniff");
    page.headers.add("Referrer-Policy", "no-referrer");
    responder.respond(std::move(page));
}

}  // namespace opslab
