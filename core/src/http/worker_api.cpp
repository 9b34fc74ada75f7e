#include "http/worker_api.hpp"

#include "base/json.hpp"
#include "base/rfc3339.hpp"
#include "http/live_route.hpp"
#include "http/request_fields.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <utility>

namespace opslab {

namespace {

/// A GET that takes no parameter and answers at once.
Handler plain(std::function<Result<HttpResponse>()> answer) {
    return answering_result(
        [answer = std::move(answer
         )](const HttpRequest& request, const PathParams& params) -> Result<HttpResponse> {
            RequestFields fields(request, params);
            fields.finish_query();
            if (!fields.good()) {
                return tl::unexpected(fields.error());
            }
            return answer();
        }
    );
}

HttpResponse worker_health(const WorkerApiParts& parts) {
    const auto vitals = parts.source.vitals();
    const auto& circuit = vitals.circuit_open;
    const bool well =
        vitals.enrolled && vitals.coordinator_answers && !circuit && vitals.overdue_calls.empty();
    const auto& last = vitals.last_answer;
    return json_response(
        200,
        dump_json(Json{
            {"status", well ? "healthy" : "degraded"},
            {"version", parts.version},
            {"worker",
             {
                 {"id", parts.worker},
                 {"enrolled", vitals.enrolled},
                 {"draining", vitals.draining},
                 {"slots", vitals.slots},
                 {"busy", vitals.busy},
                 {"circuit_open", circuit ? Json(*circuit) : Json(nullptr)},
             }},
            {"coordinator",
             {
                 {"url", parts.coordinator},
                 {"status", vitals.coordinator_answers ? "available" : "unavailable"},
                 {"last_answer", last ? Json(format_time(*last)) : Json(nullptr)},
             }},
            {"overdue_plugin_calls", overdue_json(vitals.overdue_calls)},
        })
    );
}

Result<HttpResponse> worker_ready(const WorkerApiParts& parts) {
    const auto vitals = parts.source.vitals();
    if (!vitals.enrolled || !vitals.coordinator_answers || vitals.draining) {
        return fail(
            Errc::unavailable,
            vitals.draining    ? "the worker is stopping"
            : !vitals.enrolled ? "the worker is not enrolled yet"
                               : "the coordinator does not answer"
        );
    }
    return json_response(200, R"({"status":"ready"})");
}

Result<HttpResponse> worker_metrics(const WorkerApiParts& parts) {
    auto text = parts.metrics.metrics_text();
    if (!text) {
        return tl::unexpected(std::move(text.error()));
    }
    return HttpResponse{
        .status = 200,
        .body = std::move(*text),
        .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace

Router make_worker_api(const WorkerApiParts& parts) {
    Router router;
    const auto add = [&router](const char* path, const char* id, Handler handler, Access access) {
        router.add({HttpMethod::get, path, id, std::move(handler), Placement::executor, access});
    };
    // as on the coordinator: probes send no token
    add("/health", "getWorkerHealth", plain([parts] { return worker_health(parts); }), Access::token
    );
    add("/ready", "getWorkerReady", plain([parts] { return worker_ready(parts); }), Access::open);
    add("/metrics",
        "getWorkerMetrics",
        plain([parts] { return worker_metrics(parts); }),
        Access::token);
    router.add(live_route("getWorkerLive"));
    return router;
}

}  // namespace opslab
