#include "daemon/measured_port.hpp"

#include <string>
#include <variant>

namespace opslab::daemon {

namespace {

constexpr Duration kSlowCall = std::chrono::seconds{1};

}  // namespace

void MeasuredPort::note(std::string_view call, const Error* error, Duration took) {
    const bool away =
        error != nullptr && (error->code == Errc::unavailable || error->code == Errc::timeout);
    metrics_.coordinator_call(call, away ? "away" : (error == nullptr ? "ok" : "refused"), took);
    metrics_.set_coordinator_up(!away);
    if (took > kSlowCall && call != "claim") {  // a claim waits for work
        log(logger_,
            LogLevel::warning,
            "slow call to the coordinator",
            {{"call", std::string(call)}, {"milliseconds", std::to_string(took.count() / 1000)}});
    }
    const std::lock_guard lock(mutex_);
    contact_.answers = !away;
    if (!away) {
        contact_.last = clock_.now();
    }
}

MeasuredPort::Contact MeasuredPort::contact() const {
    const std::lock_guard lock(mutex_);
    return contact_;
}

Result<Worker> MeasuredPort::enroll(const NewWorker& worker) {
    return timed("enroll", [&] { return port_.enroll(worker); });
}

Result<HeartbeatReceipt> MeasuredPort::heartbeat(const Heartbeat& beat) {
    return timed("heartbeat", [&] { return port_.heartbeat(beat); });
}

Result<std::vector<ClaimedTask>> MeasuredPort::claim(const ClaimRequest& request, Duration wait) {
    return timed("claim", [&] { return port_.claim(request, wait); });
}

Result<ReportReceipt> MeasuredPort::report(const EventReport& report) {
    return timed("report", [&] { return port_.report(report); });
}

Result<Task> MeasuredPort::finish(const AttemptEnd& end) {
    auto task = timed("finish", [&] { return port_.finish(end); });
    if (task) {
        const auto* failure = std::get_if<Failure>(&end.outcome);
        metrics_.run_ended(failure == nullptr ? "completed" : to_string(failure->kind));
    }
    return task;
}

Result<std::vector<RunningAttempt>> MeasuredPort::running(const WorkerId& worker) {
    return timed("running", [&] { return port_.running(worker); });
}

Status MeasuredPort::retire(const WorkerId& worker) {
    return timed("retire", [&] { return port_.retire(worker); });
}

}  // namespace opslab::daemon
