#include "worker/run_failure.hpp"
#include "worker/run_session.hpp"

#include <algorithm>
#include <utility>

/// How a run ends: what is told of it, and what of it is removed.
namespace opslab {

namespace {

/// How long the removal of a run is tried again: an engine may be away when its run ends.
constexpr Duration kRemovalPatience = std::chrono::minutes{5};

/// How long past its deadline the end of a run is still offered: the sweep has ended it by then.
constexpr Duration kFinishSlack = std::chrono::minutes{1};

constexpr const char* kLapsed =
    "the run was ended since its worker could not renew the lease in time";

}  // namespace

void RunSession::settle(
    const RunHandle* handle, const DriverOutput* output, const RunnerResult<RunEnd>& end
) {
    const auto reason = reason_.load();
    if (reason == StopReason::abandoned) {
        return;  // the successor finds the run by its handle and label
    }
    if (reason == StopReason::deadline && output != nullptr && output->failure()) {
        // said on the way out: for the log alone, as the end is a time-out
        reporter_.push(LogEvent{
            .at = context_.clock.now(),
            .level = LogLevel::error,
            .message = output->failure()->message});
    }
    const bool ours =
        reason != StopReason::lost && reason != StopReason::cancelled && reporter_.flush();
    const bool has_ended = handle == nullptr || end || end.error().code == RunnerErrc::not_found;
    if (ours && output != nullptr && output->result()) {
        finish(*output->result(), {});
    } else if (const auto told = ours ? why_failed(output, end) : why_refused(); told) {
        // Another worker may be given the task as soon as its failure is told: what may be alive,
        // as where the engine is away, must have ended by then. At the deadline the sweep ends it
        // for good.
        if (has_ended || end_by_force(*handle)) {
            finish(told->failure, told->details);
        }
    }
    end_stopping();
    reporter_.close();  // the attempt has ended: there is no lease to renew
    if (handle != nullptr) {
        destroy(*handle);
    } else {
        left_something_ = !end && end.error().code == RunnerErrc::infrastructure;
        lease_.forget();
    }
}

std::optional<RunSession::ToldFailure> RunSession::why_refused() const {
    const auto refusal = reporter_.refusal();
    if (!refusal) {
        return std::nullopt;
    }
    const auto why =
        context_.runner_label + ": the coordinator refused the run's events: " + refusal->message;
    return ToldFailure{{FailureKind::infrastructure, "", why}, why};
}

/// Nothing for a run that its deadline ended: that is the sweep's to tell.
std::optional<RunSession::ToldFailure> RunSession::why_failed(
    const DriverOutput* output, const RunnerResult<RunEnd>& end
) {
    const auto phase = output != nullptr ? output->phase() : std::string("prepare");
    if (has_lapsed()) {
        return ToldFailure{{FailureKind::worker_lost, phase, kLapsed}, kLapsed};
    }
    if (reason_.load() == StopReason::deadline) {
        return std::nullopt;
    }
    const auto tail = output != nullptr ? output->error_tail() : std::string();
    if (output != nullptr && output->failure()) {
        const auto& failure = *output->failure();
        return ToldFailure{failure, with_tail(failure.message, tail)};
    }
    Failure failure;
    if (output == nullptr) {
        failure = failure_of(end.error(), phase);
    } else if (!end) {
        failure = failure_of_wait(end.error(), phase, is_inherited_);
    } else {
        failure = failure_of(*end, phase, context_.runner_label, output->has_spoken());
    }
    // what a driver says of itself is not for our log: it may hold anything
    note(LogLevel::warning, "a run ended without a result", failure.message);
    return ToldFailure{failure, with_tail(failure.message, tail)};
}

void RunSession::finish(std::variant<TaskResult, Failure> outcome, std::string error_details) {
    const AttemptEnd end{
        .task = task(),
        .attempt = attempt(),
        .worker = context_.worker,
        .outcome = std::move(outcome),
        .error_details = std::move(error_details),
        .digest = "embedded:" + run_id(),
    };
    Backoff backoff(std::chrono::milliseconds{100}, std::chrono::seconds{10}, task().value);
    do {
        const auto done = context_.port.finish(end);
        if (done) {
            return;
        }
        const auto code = done.error().code;
        if (code == Errc::stale_attempt || code == Errc::not_found || code == Errc::conflict ||
            code == Errc::invalid_argument) {
            note(LogLevel::warning, "the end of a run came too late", done.error().message);
            return;
        }
        if (!pause(backoff)) {
            return;
        }
    } while (context_.clock.now() - kFinishSlack < deadline());
    note(LogLevel::error, "the end of a run could not be told before its deadline");
}

/// Before the next try. False: `is_over`, which is asked under mutex_, and there is none.
bool RunSession::pause(Backoff& backoff, const std::function<bool()>& is_over) {
    std::unique_lock lock(mutex_);
    const auto until = context_.clock.steady() + backoff.next();
    while (!is_over() && context_.clock.steady() < until) {
        context_.clock.wait_until(lock, over_, until);
    }
    return !is_over();
}

/// The same, until the run is abandoned.
bool RunSession::pause(Backoff& backoff) {
    return pause(backoff, [this] { return abandoned_.load(); });
}

bool RunSession::end_by_force(const RunHandle& handle) {
    Backoff backoff(std::chrono::milliseconds{100}, std::chrono::seconds{1}, task().value);
    constexpr std::chrono::milliseconds kAtOnce{0};
    auto stopped = context_.runner.stop(handle, kAtOnce);
    if (!stopped) {
        note(LogLevel::warning, "a run may be alive; trying to end it", stopped.error().message);
    }
    while (!stopped && context_.clock.now() < deadline() && pause(backoff)) {
        stopped = context_.runner.stop(handle, kAtOnce);
    }
    return stopped.has_value();
}

void RunSession::destroy(const RunHandle& handle) {
    // its slot is taken meanwhile, as what could not be removed takes room
    Backoff backoff(std::chrono::milliseconds{100}, std::chrono::seconds{1}, task().value);
    const auto last = context_.clock.steady() + kRemovalPatience;
    auto destroyed = context_.runner.destroy(handle);
    if (!destroyed) {
        note(LogLevel::warning, "a run cannot be removed; trying on", destroyed.error().message);
    }
    while (!destroyed && context_.clock.steady() < last && pause(backoff)) {
        destroyed = context_.runner.destroy(handle);
    }
    if (!destroyed) {
        note(
            LogLevel::error,
            "a run cannot be removed; it is tried again until it can",
            destroyed.error().message
        );
        left_something_ = true;
        return;  // its note stays with it: whoever watches goes on
    }
    lease_.forget();
}

}  // namespace opslab
