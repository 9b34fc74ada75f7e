#include "http/worker_handlers.hpp"

#include "domain/worker_codec.hpp"
#include "http/async_reply.hpp"
#include "http/request_body.hpp"
#include "http/request_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

TaskId in_lower_case(TaskId id) {
    std::transform(id.value.begin(), id.value.end(), id.value.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return id;
}

Json receipt_json(const HeartbeatReceipt& receipt) {
    Json cancel = Json::array();
    for (const auto& task : receipt.cancel) {
        cancel.push_back(task.value);
    }
    return {
        {"acknowledged", true},
        {"next_task_id", receipt.next_task ? Json(receipt.next_task->value) : Json(nullptr)},
        {"cancel", std::move(cancel)},
    };
}

std::optional<WorkerStatus> status_from(const std::optional<std::string>& name) {
    for (const auto status : {WorkerStatus::idle, WorkerStatus::busy, WorkerStatus::offline}) {
        if (name && *name == to_string(status)) {
            return status;
        }
    }
    return std::nullopt;
}

}  // namespace

void WorkerHandlers::enroll(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    fields.finish_query();
    const auto worker = decode_registration(*body, fields.errors());
    note_nul_fields(*body, fields.errors());
    if (!worker || !fields.good()) {
        responder.fail(fields.error());
        return;
    }
    auto enrolled = workers_.enroll(*worker, Takeover::refuse);
    if (!enrolled) {
        auto error = std::move(enrolled.error());
        if (error.code == Errc::conflict && error.reason.empty()) {
            error.reason = "worker_registered";
        }
        responder.fail(error);
        return;
    }
    auto response = json_response(201, dump_json(to_json(*enrolled)));
    response.headers.add(
        "Location", std::string(request.prefix()) + "/workers/" + enrolled->id.value
    );
    responder.respond(std::move(response));
}

void WorkerHandlers::heartbeat(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    fields.finish_query();
    auto beat = decode_heartbeat(*body, fields.errors());
    note_nul_fields(*body, fields.errors());
    if (!beat || !fields.good()) {
        responder.fail(fields.error());
        return;
    }
    beat->wants_hint = true;
    if (beat->current_task) {
        beat->current_task = in_lower_case(std::move(*beat->current_task));
    }
    workers_.heartbeat(
        *beat,
        reply_to<HeartbeatReceipt>(
            std::move(responder),
            [](const HeartbeatReceipt& receipt) {
                return json_response(200, dump_json(receipt_json(receipt)));
            }
        )
    );
}

void WorkerHandlers::list(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    WorkerQuery query;
    query.status = status_from(fields.word("status", {"idle", "busy", "offline"}));
    query.backend_type = fields.text("backend_type", 1, 63);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto workers = workers_.list(query);
    if (!workers) {
        responder.fail(workers.error());
        return;
    }
    Json list = Json::array();
    for (const auto& worker : *workers) {
        list.push_back(to_json(worker));
    }
    responder.respond(json_response(
        200, dump_json(Json{{"workers", std::move(list)}, {"total", workers->size()}})
    ));
}

void WorkerHandlers::find(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    const auto id = fields.path_worker();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto worker = workers_.find(id);
    if (!worker) {
        responder.fail(worker.error());
        return;
    }
    responder.respond(json_response(200, dump_json(to_json(*worker))));
}

void WorkerHandlers::stats(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    const auto id = fields.path_worker();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto stats = workers_.stats(id);
    if (!stats) {
        responder.fail(stats.error());
        return;
    }
    responder.respond(json_response(200, dump_json(to_json(id, *stats))));
}

}  // namespace opslab
