#include "base/object_reader.hpp"
#include "base/rfc3339.hpp"
#include "domain/run_event.hpp"
#include "domain/task_codec.hpp"
#include "http/async_reply.hpp"
#include "http/request_body.hpp"
#include "http/request_fields.hpp"
#include "http/worker_handlers.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <limits>
#include <memory>
#include <utility>

namespace opslab {

namespace {

constexpr std::int64_t kMaxClaim = 1000;
constexpr std::int64_t kMaxClaimWait = 30;
constexpr std::size_t kMaxErrorText = 65536;
constexpr std::size_t kMaxPhase = 64;
constexpr std::size_t kMaxHandle = 16384;

double lease_seconds(Duration lease) {
    return std::chrono::duration<double>(lease).count();
}

Json claimed_json(const std::vector<ClaimedTask>& claimed) {
    Json list = Json::array();
    for (const auto& one : claimed) {
        Json task = to_json(one.task);
        task["deadline"] = format_time(one.deadline);
        task["sequence"] = one.last_seq;
        task["lease_seconds"] = lease_seconds(one.lease);
        if (auto origin = to_json(one.task.origin); !origin.empty()) {
            task["origin"] = std::move(origin);
        }
        list.push_back(std::move(task));
    }
    return Json{{"tasks", std::move(list)}};
}

int read_attempt(ObjectReader& reader) {
    reader.require("attempt");
    return static_cast<int>(
        reader.integer("attempt", 1, std::numeric_limits<int>::max()).value_or(1)
    );
}

std::vector<RunEvent> read_events(
    ObjectReader& reader, Timestamp now, std::vector<FieldError>& errors
) {
    std::vector<RunEvent> events;
    reader.require("events");
    const Json* items = reader.array("events");
    if (items == nullptr) {
        return events;
    }
    if (items->size() > static_cast<std::size_t>(kMaxEventsPerReport)) {
        reader.refuse(
            "events", "must have at most 1000 events, has " + std::to_string(items->size())
        );
        return events;
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
        auto event = decode_run_event((*items)[i], "/events/" + std::to_string(i), now, errors);
        if (event) {
            events.push_back(std::move(*event));
        }
    }
    return events;
}

Failure read_failure(ObjectReader& reader) {
    Failure failure;
    reader.require("error");
    failure.message = reader.string("error", 1, kMaxErrorText).value_or("");
    const auto kind = reader.word("kind", {"task", "infrastructure"});
    failure.kind = kind == "infrastructure" ? FailureKind::infrastructure : FailureKind::task;
    failure.phase = reader.string("phase", 0, kMaxPhase).value_or("");
    if (reader.boolean("worker_lost").value_or(false)) {
        if (kind && kind != "infrastructure") {
            reader.refuse("worker_lost", "goes with no kind or with infrastructure");
        }
        failure.kind = FailureKind::worker_lost;
    }
    return failure;
}

HttpResponse task_answer(const Task& task) {
    return json_response(200, dump_json(to_json(task)));
}

}  // namespace

void WorkerHandlers::claim(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_optional_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    ClaimRequest asked;
    asked.worker = fields.path_worker();
    fields.finish_query();
    ObjectReader reader(*body, "", fields.errors());
    asked.max = static_cast<int>(reader.integer("max", 1, kMaxClaim).value_or(1));
    const auto wait = reader.integer("wait_seconds", 0, kMaxClaimWait).value_or(0);
    reader.finish();
    note_nul_fields(*body, fields.errors());
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    // a worker that was killed while it waited must not be given the next task
    const auto gone = std::make_shared<std::atomic<bool>>(false);
    responder.when_gone([gone] { *gone = true; });
    workers_.claim(
        asked,
        std::chrono::seconds{wait},
        reply_to<ClaimDesk::Claimed>(
            std::move(responder),
            [](const ClaimDesk::Claimed& claimed) {
                return claimed.empty() ? HttpResponse{.status = 204}
                                       : json_response(200, dump_json(claimed_json(claimed)));
            }
        ),
        gone
    );
}

void WorkerHandlers::record(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    EventReport report;
    report.worker = fields.path_worker();
    report.task = fields.path_task("task");
    fields.finish_query();
    ObjectReader reader(*body, "", fields.errors());
    report.attempt = read_attempt(reader);
    report.events = read_events(reader, clock_.now(), fields.errors());
    report.first_seq =
        reader.integer("first_sequence", 1, std::numeric_limits<std::int64_t>::max());
    report.handle = reader.string("handle", 1, kMaxHandle);
    reader.finish();
    note_nul_fields(*body, fields.errors());
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    workers_.record(
        std::move(report),
        reply_to<ReportReceipt>(
            std::move(responder),
            [](const ReportReceipt& receipt) {
                // a cancelled attempt has lost its lease: its events get 409, never this answer
                const Json answer = {
                    {"cancel", false},
                    {"deadline", format_time(receipt.deadline)},
                    {"sequence", receipt.last_seq},
                    {"lease_seconds", lease_seconds(receipt.lease)},
                };
                return json_response(202, dump_json(answer));
            }
        )
    );
}

void WorkerHandlers::complete(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    AttemptEnd end;
    end.worker = fields.path_worker();
    end.task = fields.path_task("task");
    fields.finish_query();
    ObjectReader reader(*body, "", fields.errors());
    end.attempt = read_attempt(reader);
    reader.require("result");
    if (const Json* result = reader.object("result")) {
        end.outcome = decode_result(*result, "/result", fields.errors()).value_or(TaskResult{});
    }
    reader.finish();
    note_nul_fields(*body, fields.errors());
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    end.digest = fingerprint_of("complete", *body);
    workers_.finish(std::move(end), reply_to<Task>(std::move(responder), task_answer));
}

void WorkerHandlers::fail(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    AttemptEnd end;
    end.worker = fields.path_worker();
    end.task = fields.path_task("task");
    fields.finish_query();
    ObjectReader reader(*body, "", fields.errors());
    end.attempt = read_attempt(reader);
    auto failure = read_failure(reader);
    const auto details = reader.string("error_details", 0, kMaxErrorText);
    reader.finish();
    note_nul_fields(*body, fields.errors());
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    end.error_details = details.value_or(failure.message);
    end.outcome = std::move(failure);
    end.digest = fingerprint_of("fail", *body);
    workers_.finish(std::move(end), reply_to<Task>(std::move(responder), task_answer));
}

}  // namespace opslab
