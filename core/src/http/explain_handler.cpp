#include "base/rfc3339.hpp"
#include "domain/task_codec.hpp"
#include "http/request_fields.hpp"
#include "http/task_handlers.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace opslab {

namespace {

std::string counted(std::int64_t count, const std::string& one) {
    return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

std::string worker_text(const JudgedWorker& judged, const Task& task) {
    const auto& worker = judged.load.worker;
    switch (judged.verdict) {
        case WorkerVerdict::available:
            return "has a free slot";
        case WorkerVerdict::busy:
            return "runs " + counted(judged.load.running, "task") + " in " +
                   counted(worker.max_parallel_tasks, "slot");
        case WorkerVerdict::circuit_open:
            return "claims nothing for now: " + worker.circuit_open.value_or("");
        case WorkerVerdict::offline:
            return "offline; last heartbeat at " + format_time(worker.last_heartbeat);
        case WorkerVerdict::problem_filter:
            return "its supported_problems leave \"" + task.problem_id + "\" out";
        case WorkerVerdict::backend_type:
            return "is of backend type " + worker.backend_type + ", the task asks for " +
                   task.backend_type.value_or("");
    }
    return {};
}

std::string summary_of(const Explanation& explanation) {
    const auto& task = explanation.detail.task;
    switch (explanation.reason) {
        case TaskReason::retry_not_before:
            return "waits for its retry, not before " +
                   format_time(task.not_before.value_or(explanation.at));
        case TaskReason::no_workers:
            return "no worker is registered";
        case TaskReason::no_fitting_worker:
            return "no worker takes this problem and backend type";
        case TaskReason::workers_offline:
            return "every worker that could take it is offline";
        case TaskReason::circuits_open:
            return "every worker that could take it claims nothing for now: "
                   "starts keep failing there";
        case TaskReason::workers_busy:
            return "every worker that could take it is busy; " +
                   counted(explanation.ahead, "task") + " before it";
        case TaskReason::queued:
            return "a worker has a free slot; " + counted(explanation.ahead, "task") + " before it";
        case TaskReason::claimable:
            return "next in line, and a worker has a free slot: its next claim takes it";
        case TaskReason::running:
            return "runs on " + (task.worker_id ? task.worker_id->value : "a worker") +
                   (explanation.phase ? ", in phase " + explanation.phase->name : "");
        case TaskReason::deadline_passed:
            return "its deadline has passed; the next sweep ends it";
        case TaskReason::lease_expired:
            return "its worker is silent and its lease is over; the next sweep takes it for lost";
        case TaskReason::ended:
            return "ended: " + std::string(to_string(task.status));
    }
    return {};
}

Json waiting_json(const Explanation& explanation) {
    const auto& task = explanation.detail.task;
    Json verdicts = Json::object();
    for (const auto verdict : kWorkerVerdicts) {
        verdicts[std::string(to_string(verdict))] =
            explanation.by_verdict.at(static_cast<std::size_t>(verdict));
    }
    Json workers = Json::array();
    for (const auto& judged : explanation.workers) {
        const auto& worker = judged.load.worker;
        workers.push_back({
            {"worker_id", worker.id.value},
            {"verdict", to_string(judged.verdict)},
            {"message", worker_text(judged, task)},
            {"backend_type", worker.backend_type},
            {"running", judged.load.running},
            {"max_parallel_tasks", worker.max_parallel_tasks},
            {"last_heartbeat", format_time(worker.last_heartbeat)},
        });
    }
    return {
        // a retried task waits since its last attempt ended
        {"since", format_time(task.attempt == 0 ? task.created_at : task.updated_at)},
        {"not_before", task.not_before ? Json(format_time(*task.not_before)) : Json(nullptr)},
        {"ahead", explanation.ahead},
        {"workers_total", explanation.workers_total},
        {"workers_by_verdict", std::move(verdicts)},
        {"workers", std::move(workers)},
    };
}

Json event_json(const StoredEvent& event) {
    const auto line = [](const char* type, Timestamp at, std::string text) {
        return Json{{"type", type}, {"timestamp", format_time(at)}, {"text", std::move(text)}};
    };
    return std::visit(
        [&](const auto& body) {
            using Body = std::decay_t<decltype(body)>;
            if constexpr (std::is_same_v<Body, LogEvent>) {
                return line("log", body.at, body.message);
            } else if constexpr (std::is_same_v<Body, StepEvent>) {
                return line("step", body.at, "step " + std::to_string(body.step));
            } else if constexpr (std::is_same_v<Body, PhaseEvent>) {
                const bool begins = body.edge == PhaseEdge::begin;
                return line("phase", body.at, body.name + (begins ? " begins" : " ends"));
            } else {
                return line("status", body.at, std::string(to_string(body.status)));
            }
        },
        event.body
    );
}

Json running_json(const Explanation& explanation) {
    const auto& task = explanation.detail.task;
    const auto& attempts = explanation.detail.attempts;
    const auto& phase = explanation.phase;
    const auto& lease = explanation.lease_until;
    return {
        {"worker_id", task.worker_id ? Json(task.worker_id->value) : Json(nullptr)},
        {"attempt", task.attempt},
        {"since", format_time(task.started_at.value_or(task.updated_at))},
        {"deadline",
         attempts.empty() ? Json(nullptr) : Json(format_time(attempts.back().deadline))},
        {"lease_until", lease ? Json(format_time(*lease)) : Json(nullptr)},
        {"phase", phase ? Json(phase->name) : Json(nullptr)},
        {"phase_since", phase ? Json(format_time(phase->begin)) : Json(nullptr)},
        {"last_event",
         explanation.last_event ? event_json(*explanation.last_event) : Json(nullptr)},
    };
}

Json explanation_json(const Explanation& explanation) {
    const auto status = explanation.detail.task.status;
    return {
        {"task_id", explanation.detail.task.id.value},
        {"status", to_string(status)},
        {"at", format_time(explanation.at)},
        {"reason", to_string(explanation.reason)},
        {"summary", summary_of(explanation)},
        {"waiting", status == TaskStatus::pending ? waiting_json(explanation) : Json(nullptr)},
        {"running", status == TaskStatus::running ? running_json(explanation) : Json(nullptr)},
        {"usual_seconds", to_json(explanation.usual)},
        {"attempts", to_json(explanation.detail).at("attempts")},
    };
}

}  // namespace

void TaskHandlers::explain(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    const auto id = fields.path_task();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto explanation = tasks_.explain(id);
    if (!explanation) {
        responder.fail(explanation.error());
        return;
    }
    responder.respond(json_response(200, dump_json(explanation_json(*explanation))));
}

}  // namespace opslab
