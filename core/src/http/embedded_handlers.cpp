#include "base/object_reader.hpp"
#include "http/request_body.hpp"
#include "http/request_fields.hpp"
#include "http/worker_handlers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

void answer(const Result<EmbeddedStatus>& status, Responder& responder) {
    if (!status) {
        responder.fail(status.error());
        return;
    }
    Json loops = Json::array();
    for (const auto& loop : status->loops) {
        loops.push_back({
            {"id", loop.id.value},
            {"runner", loop.runner},
            {"running", loop.running},
            {"slots", loop.slots},
            {"busy", loop.busy},
        });
    }
    const auto running = std::count_if(
        status->loops.begin(), status->loops.end(), [](const EmbeddedLoop& l) { return l.running; }
    );
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"num_workers", status->loops.size()},
            {"running", running},
            {"loops", std::move(loops)},
        })
    ));
}

/// Whether a call that takes no field at all is right; answers it where it is not.
bool takes_nothing(const HttpRequest& request, const PathParams& params, Responder& responder) {
    const auto body = read_optional_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return false;
    }
    RequestFields fields(request, params);
    fields.finish_query();
    note_unwanted_fields(*body, fields.errors());
    if (!fields.good()) {
        responder.fail(fields.error());
    }
    return fields.good();
}

}  // namespace

void WorkerHandlers::embedded_status(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    answer(embedded_.status(), responder);
}

void WorkerHandlers::embedded_scale(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    fields.finish_query();
    ObjectReader reader(*body, "", fields.errors());
    reader.require("num_workers");
    const auto count = reader.integer("num_workers", 0, kMaxEmbeddedWorkers);
    reader.finish();
    note_nul_fields(*body, fields.errors());
    if (!count || !fields.good()) {
        responder.fail(fields.error());
        return;
    }
    answer(embedded_.scale(static_cast<int>(*count)), responder);
}

void WorkerHandlers::embedded_start(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (takes_nothing(request, params, responder)) {
        answer(embedded_.start(), responder);
    }
}

void WorkerHandlers::embedded_stop(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    if (takes_nothing(request, params, responder)) {
        answer(embedded_.stop(), responder);
    }
}

}  // namespace opslab
