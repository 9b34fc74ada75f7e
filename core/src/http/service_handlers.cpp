#include "http/service_handlers.hpp"

#include "domain/task_codec.hpp"
#include "http/request_fields.hpp"
#include "openapi_json.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab {

ServiceHandlers::ServiceHandlers(
    TaskService& tasks,
    Storage& storage,
    MetricsText& metrics,
    Clock& clock,
    std::string version,
    OverdueCallSource overdue_calls
)
    : tasks_(tasks),
      storage_(storage),
      metrics_(metrics),
      clock_(clock),
      version_(std::move(version)),
      overdue_calls_(std::move(overdue_calls)) {}

void ServiceHandlers::health(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (!takes_no_query(request, params, responder)) {
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
    const auto overdue = overdue_calls_ ? overdue_calls_() : std::vector<OverduePluginCall>{};
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"status", counts && overdue.empty() ? "healthy" : "degraded"},
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
            {"overdue_plugin_calls", overdue_json(overdue)},
        })
    ));
}

void ServiceHandlers::ready(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (!takes_no_query(request, params, responder)) {
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
    if (!takes_no_query(request, params, responder)) {
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
    if (takes_no_query(request, params, responder)) {
        responder.respond(json_response(200, std::string(k_openapi_json)));
    }
}

}  // namespace opslab
