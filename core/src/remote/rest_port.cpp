#include "remote/rest_port.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "remote/answers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxIdleClients = 8;
constexpr std::size_t kMaxPostedEvents = std::size_t{4} << 20U;
constexpr std::size_t kMaxErrorText = 65536;
constexpr std::size_t kMaxPhase = 64;
constexpr std::size_t kMaxCircuitText = 2000;
constexpr std::chrono::seconds kLongestClaimWait{30};
/// For calls that should be quick; the longer ones carry data or wait.
constexpr std::chrono::milliseconds kQuick = 10s;
constexpr std::chrono::milliseconds kParting = 3s;
constexpr std::chrono::milliseconds kClaimSlack = 15s;
/// Levels of a result's own objects: a completion has two more around them, and 64 in all.
constexpr int kMaxResultDepth = 62;

std::string worker_path(const WorkerId& worker) {
    return "/workers/" + url_encode(worker.value);
}

std::string task_path(const WorkerId& worker, const TaskId& task) {
    return worker_path(worker) + "/tasks/" + url_encode(task.value);
}

/// Text as the API takes it: clipped, no NUL, not empty.
std::string sendable(const std::string& text, std::size_t max, const char* otherwise) {
    const auto valid = to_valid_utf8(text);
    const auto clipped = clip_utf8(valid, max);
    return clipped.empty() ? otherwise : std::string(clipped);
}

HttpCall failing(const AttemptEnd& end, const Failure& failure) {
    Json body = {
        {"attempt", end.attempt},
        {"error", sendable(failure.message, kMaxErrorText, "no reason was given")},
        {"kind", failure.kind == FailureKind::task ? "task" : "infrastructure"},
        {"phase", sendable(failure.phase, kMaxPhase, "")},
    };
    if (failure.kind == FailureKind::worker_lost) {
        body["worker_lost"] = true;
    }
    if (!end.error_details.empty()) {
        body["error_details"] = sendable(end.error_details, kMaxErrorText, "");
    }
    return {
        .method = "POST",
        .path = task_path(end.worker, end.task) + "/fail",
        .body = dump_json(body),
    };
}

HttpCall ending(const AttemptEnd& end) {
    if (const auto* failure = std::get_if<Failure>(&end.outcome)) {
        return failing(end, *failure);
    }
    const auto result = parse_json(std::get<TaskResult>(end.outcome).result_json, kMaxResultDepth);
    if (!result) {
        return failing(
            end,
            {FailureKind::task, "", "the driver's result cannot be sent: " + result.error().message}
        );
    }
    return {
        .method = "POST",
        .path = task_path(end.worker, end.task) + "/complete",
        .body = dump_json({{"attempt", end.attempt}, {"result", *result}}),
    };
}

/// The body for the events from `next` on, as many as fit; `next` moves on.
std::string events_body(const EventReport& report, std::size_t& next) {
    const auto first = next;
    std::string events;
    while (next < report.events.size()) {
        const auto event = write_event(report.events[next]);
        if (!events.empty() && events.size() + event.size() > kMaxPostedEvents) {
            break;
        }
        events += events.empty() ? "" : ",";
        events += event;
        ++next;
    }
    std::string body = "{\"attempt\":" + std::to_string(report.attempt);
    if (report.first_seq && next > first) {
        body += ",\"first_sequence\":" +
                std::to_string(*report.first_seq + static_cast<std::int64_t>(first));
    }
    if (report.handle && next == report.events.size()) {
        body += ",\"handle\":" + dump_json(Json(*report.handle));
    }
    return body + ",\"events\":[" + events + "]}";
}

}  // namespace

Result<std::unique_ptr<RestPort>> RestPort::open(Settings settings) {
    auto client = HttpClient::open(settings.endpoint);
    if (!client) {
        return fail(std::move(client.error()));
    }
    std::unique_ptr<RestPort> port(new RestPort(std::move(settings)));
    port->keep_client(std::move(*client));
    return port;
}

Result<HttpClient> RestPort::take_client() {
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto client = std::move(idle_.back());
            idle_.pop_back();
            return client;
        }
    }
    return HttpClient::open(settings_.endpoint);
}

void RestPort::keep_client(HttpClient client) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMaxIdleClients) {
        idle_.push_back(std::move(client));
    }
}

Result<Json> RestPort::call(const HttpCall& call) {
    auto client = take_client();
    if (!client) {
        return fail(std::move(client.error()));
    }
    auto reply = client->send(call);
    if (!reply) {
        return fail(std::move(reply.error()));  // and the connection is not kept
    }
    keep_client(std::move(*client));
    if (reply->status == 204) {
        return Json(nullptr);
    }
    if (reply->status < 200 || reply->status > 299) {
        return fail(read_error(reply->status, reply->body, reply->request_id));
    }
    auto answer = parse_json(reply->body, kMaxAnswerDepth);
    if (!answer) {
        return fail(Errc::unavailable, "the answer is not a coordinator's: it is no JSON");
    }
    return std::move(*answer);
}

Result<Worker> RestPort::enroll(const NewWorker& worker) {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(released_, false)) {
            leave_claim_ = std::make_shared<WakeFd>();
        }
    }
    Json body = {
        {"id", worker.id.value},
        {"backend_type", worker.backend_type},
        {"capabilities", parse_json(worker.capabilities_json).value_or(Json::object())},
        {"metadata", parse_json(worker.metadata_json).value_or(Json::object())},
    };
    body["capabilities"]["max_parallel_tasks"] = worker.max_parallel_tasks;
    body["capabilities"]["supported_problems"] = worker.supported_problems;
    if (!settings_.instance.empty()) {
        body["instance"] = settings_.instance;
    }
    return call({.method = "POST",
                 .path = "/workers/register",
                 .body = dump_json(body),
                 .timeout = kQuick})
        .and_then(read_worker);
}

Result<HeartbeatReceipt> RestPort::heartbeat(const Heartbeat& beat) {
    Json body = {
        {"worker_id", beat.worker.value},
        {"status", to_string(beat.status)},
        {"current_task_id", beat.current_task ? Json(beat.current_task->value) : Json(nullptr)},
    };
    if (beat.circuit_open) {
        body["circuit_open"] = sendable(*beat.circuit_open, kMaxCircuitText, "starts fail");
    }
    return call({.method = "POST",
                 .path = "/workers/heartbeat",
                 .body = dump_json(body),
                 .timeout = kQuick})
        .and_then(read_heartbeat);
}

Result<std::vector<ClaimedTask>> RestPort::claim(const ClaimRequest& request, Duration wait) {
    std::shared_ptr<WakeFd> leave;
    {
        const std::lock_guard lock(mutex_);
        if (released_) {
            return std::vector<ClaimedTask>{};
        }
        leave = leave_claim_;
    }
    const auto seconds =
        std::clamp(std::chrono::duration_cast<std::chrono::seconds>(wait), 0s, kLongestClaimWait);
    const auto answer = call(
        {.method = "POST",
         .path = worker_path(request.worker) + "/claim",
         .body = dump_json({{"max", request.max}, {"wait_seconds", seconds.count()}}),
         .timeout = seconds + kClaimSlack,
         // a claim must not be sent twice unnoticed: the tasks of the first would wait for nobody
         .new_connection = true,
         .interrupt_fd = leave->fd()}
    );
    if (!answer) {
        return fail(answer.error());
    }
    if (answer->is_null()) {
        return std::vector<ClaimedTask>{};
    }
    return read_claimed(*answer);
}

Result<ReportReceipt> RestPort::report(const EventReport& report) {
    std::size_t next = 0;
    while (true) {
        auto receipt = call({.method = "POST",
                             .path = task_path(report.worker, report.task) + "/events",
                             .body = events_body(report, next)})
                           .and_then(read_receipt);
        if (!receipt || next == report.events.size()) {
            return receipt;
        }
    }
}

Result<Task> RestPort::finish(const AttemptEnd& end) {
    return call(ending(end)).and_then(read_task);
}

Result<std::vector<RunningAttempt>> RestPort::running(const WorkerId& worker) {
    return call({.path = worker_path(worker) + "/tasks"}).and_then(read_running);
}

Status RestPort::retire(const WorkerId& worker) {
    const auto answer =
        call({.method = "POST", .path = worker_path(worker) + "/retire", .timeout = kParting});
    if (!answer) {
        return fail(answer.error());
    }
    return {};
}

void RestPort::release(const WorkerId& worker) {
    {
        const std::lock_guard lock(mutex_);
        released_ = true;
    }
    const auto answered =
        call({.method = "POST", .path = worker_path(worker) + "/release", .timeout = kParting});
    if (!answered) {
        const std::lock_guard lock(mutex_);
        leave_claim_->set();
    }
}

void RestPort::on_orders(const WorkerId& /*worker*/, std::function<void()> /*look*/) {}

}  // namespace opslab
