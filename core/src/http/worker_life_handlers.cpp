#include "base/rfc3339.hpp"
#include "domain/task_codec.hpp"
#include "domain/worker_codec.hpp"
#include "http/request_fields.hpp"
#include "http/worker_handlers.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab {

void WorkerHandlers::retire(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    const auto id = fields.path_worker();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    if (const auto retired = workers_.retire(id); !retired) {
        responder.fail(retired.error());
        return;
    }
    find(request, params, std::move(responder));
}

void WorkerHandlers::release(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    const auto id = fields.path_worker();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    workers_.desk().release(id);
    find(request, params, std::move(responder));
}

void WorkerHandlers::running(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    const auto id = fields.path_worker();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    if (const auto known = workers_.find(id); !known) {
        responder.fail(known.error());
        return;
    }
    const auto attempts = workers_.running(id);
    if (!attempts) {
        responder.fail(attempts.error());
        return;
    }
    Json list = Json::array();
    for (const auto& attempt : *attempts) {
        Json task = to_json(attempt.task);
        task["deadline"] = format_time(attempt.deadline);
        task["sequence"] = attempt.last_seq;
        if (auto origin = to_json(attempt.task.origin); !origin.empty()) {
            task["origin"] = std::move(origin);
        }
        task["handle"] = attempt.handle ? Json(*attempt.handle) : Json(nullptr);
        list.push_back(std::move(task));
    }
    responder.respond(json_response(200, dump_json(Json{{"tasks", std::move(list)}})));
}

}  // namespace opslab
