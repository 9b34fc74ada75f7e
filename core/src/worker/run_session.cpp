#include "worker/run_session.hpp"

#include "base/log_scope.hpp"
#include "base/rfc3339.hpp"
#include "base/text.hpp"
#include "base/trace_context.hpp"
#include "domain/task_codec.hpp"
#include "worker/backoff.hpp"
#include "worker/run_failure.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

/// How long the removal of a run is tried again: an engine may be away when its run ends.
constexpr Duration kRemovalPatience = std::chrono::minutes{5};

/// How long past its deadline the end of a run is still offered: the sweep has ended it by then.
constexpr Duration kFinishSlack = std::chrono::minutes{1};

constexpr const char* kLapsed =
    "the run was ended since its worker could not renew the lease in time";

/// The OPSLAB_TASK_FILE object, all but `event_prefix`.
std::string task_file_json(const ClaimedTask& claimed) {
    const auto& task = claimed.task;
    Json file = to_json(task.origin);  // where the client gave something: beside the rest
    file.update({
        {"task_id", task.id.value},
        {"attempt", task.attempt},
        {"problem_id", task.problem_id},
        {"agent_config", parse_json(task.parameters.agent_config_json).value_or(Json::object())},
        {"max_steps", task.parameters.max_steps},
        {"deadline", format_time(claimed.deadline)},
        {"metadata", parse_json(task.parameters.metadata_json).value_or(Json::object())},
    });
    return dump_json(file);
}

}  // namespace

std::string run_id_of(const TaskId& task, int attempt) {
    return task.value + "." + std::to_string(attempt);
}

std::vector<LogField> scope_of(const WorkerId& worker, std::string_view run_id) {
    const auto dot = run_id.rfind('.');
    if (dot == std::string_view::npos) {
        return {{"worker", worker.value}, {"run", std::string{run_id}}};  // none of ours
    }
    return {
        {"worker", worker.value},
        {"task", std::string{run_id.substr(0, dot)}},
        {"attempt", std::string{run_id.substr(dot + 1)}}};
}

RunSession::RunSession(const Context& context, ClaimedTask claimed, int slot, SteadyTime asked)
    : context_(context),
      claimed_(std::move(claimed)),
      slot_(slot),
      lease_(context_.clock, context_.notes, run_id(), asked, claimed_.lease, &give_up_),
      reporter_(
          context_.port,
          context_.clock,
          context_.logger,
          EventReport{
              .task = claimed_.task.id,
              .attempt = claimed_.task.attempt,
              .worker = context_.worker},
          claimed_.last_seq,
          {},
          lease_,
          [this] {
              note(
                  LogLevel::warning,
                  reporter_.refusal() ? "the coordinator refuses the run's events; stopping it"
                                      : "the attempt is no longer this worker's; stopping its run"
              );
              stop(StopReason::lost);
          }
      ) {}

RunSession::~RunSession() {
    if (stopper_.joinable()) {
        stopper_.join();
    }
}

void RunSession::stop(StopReason reason) {
    auto none = StopReason::none;
    const bool is_first = reason_.compare_exchange_strong(none, reason);
    if (reason == StopReason::abandoned) {
        // also where a stop is under way: nothing more is told then, but its end is waited for
        abandoned_ = true;
        reporter_.close();
    }
    if (!is_first) {
        return;
    }
    give_up_.set();
    if (reason == StopReason::abandoned) {
        leave_.set();
        return;
    }
    const std::lock_guard lock(mutex_);
    if (handle_ && !settled_) {
        begin_stopping(*handle_);
    }
}

void RunSession::begin_stopping(const RunHandle& handle) {
    if (stopper_.joinable()) {
        return;  // a stop during the start: both stop() and follow() came to see the handle
    }
    stopper_ = std::thread([this, handle] {
        const LogScope scope(subject());
        const auto stopped = context_.runner.stop(handle, grace());
        if (!stopped) {
            note(LogLevel::error, "a run cannot be stopped", stopped.error().message);
        }
    });
}

/// A run whose lease is over must be gone before someone else may start the task.
std::chrono::milliseconds RunSession::grace() const {
    if (reason_.load() != StopReason::lapsed) {
        return context_.stop_grace;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        lease_.kill_at() - context_.clock.steady()
    );
    return std::clamp(left, std::chrono::milliseconds{0}, context_.stop_grace);
}

bool RunSession::has_lapsed() const {
    return reason_.load() == StopReason::lapsed || lease_.ended_by_guard();
}

void RunSession::end_stopping() {
    std::thread stopper;
    {
        const std::lock_guard lock(mutex_);
        settled_ = true;
        stopper = std::move(stopper_);
    }
    if (stopper.joinable()) {
        stopper.join();
    }
}

void RunSession::phase(PhaseEdge edge) {
    reporter_.push(PhaseEvent{.at = context_.clock.now(), .name = "prepare", .edge = edge});
}

std::vector<LogField> RunSession::subject() const {
    return scope_of(context_.worker, run_id());
}

void RunSession::note(LogLevel level, std::string_view message, const std::string& error) {
    const auto& origin = claimed_.task.origin;
    auto fields = subject();
    fields.push_back({"request", origin.request_id.value_or("")});
    fields.push_back({"trace", std::string(trace_id_of(origin.traceparent.value_or("")))});
    if (!error.empty()) {
        fields.push_back({"error", error});
    }
    context_.logger.log(level, message, fields);
}

/// A claim may have waited longer than its lease can be counted from: then nothing is started until
/// a report has renewed it.
RunnerStatus RunSession::await_lease() {
    while (!lease_.held()) {
        if (!reporter_.flush()) {
            return runner_fail(RunnerErrc::interrupted, "the attempt is no longer this worker's");
        }
    }
    if (const auto noted = lease_.begin(); !noted) {
        return runner_fail(RunnerErrc::infrastructure, noted.error().message);
    }
    return {};
}

RunnerResult<RunHandle> RunSession::start_run() {
    if (const auto held = await_lease(); !held) {
        return tl::unexpected(held.error());
    }
    const SlotSpec slot{context_.worker, slot_};
    const auto& parameters = claimed_.task.parameters;
    const TaskSpec asked{
        .problem_id = claimed_.task.problem_id,
        .agent_config_json = parameters.agent_config_json,
        .metadata_json = parameters.metadata_json,
        .max_steps = parameters.max_steps,
    };
    if (const auto possible = context_.runner.check(asked); !possible) {
        return tl::unexpected(possible.error());
    }
    if (const auto ready = context_.runner.prepare(slot, {give_up_.fd()}); !ready) {
        return tl::unexpected(ready.error());
    }
    const RunRequest request{
        .run_id = run_id(),
        .slot = slot,
        .task = task(),
        .attempt = attempt(),
        .problem_id = claimed_.task.problem_id,
        .task_json = task_file_json(claimed_),
        .deadline = claimed_.deadline,
    };
    return context_.runner.start(request, {give_up_.fd()});
}

void RunSession::run() {
    const LogScope scope(subject());
    attempt_run();
    reporter_.end();
}

void RunSession::attempt_run() {
    phase(PhaseEdge::begin);
    auto handle = start_run();
    phase(PhaseEdge::end);
    if (context_.on_start) {
        context_.on_start(handle ? nullptr : &handle.error());
    }
    if (!handle) {
        if (handle.error().code == RunnerErrc::interrupted) {
            stop(StopReason::lapsed);  // where nobody asked for it, the lease did
        }
        settle(nullptr, nullptr, tl::unexpected(handle.error()));
        return;
    }
    reporter_.set_handle(write_bookmark({handle->text, std::nullopt, reporter_.last_pushed()}));
    follow(*handle, std::nullopt);
}

void RunSession::follow(const RunHandle& handle, std::optional<std::string> position) {
    {
        const std::lock_guard lock(mutex_);
        handle_ = handle;
        const auto reason = reason_.load();
        if (reason != StopReason::none && reason != StopReason::abandoned) {
            begin_stopping(handle);  // stop came while it was starting
        }
    }
    DriverOutput output(reporter_, context_.clock, handle.text, context_.runner_label);
    std::optional<std::string_view> from;
    if (position) {
        from = *position;
    }
    // Once the stop is under way its end is what is waited for: only an abandoned run is left.
    auto end = context_.runner.wait(handle, from, output, {leave_.fd()});
    if (!end && end.error().code == RunnerErrc::interrupted &&
        reason_.load() != StopReason::abandoned) {
        // the sink left off because nobody wants the output any more: by force, then
        [[maybe_unused]] const auto stopped =
            context_.runner.stop(handle, std::chrono::milliseconds{0});
    }
    if (output.refused_events() > 0) {
        note(
            LogLevel::warning,
            "some events of a run do not count; its task's log says why",
            fmt::format("{}: {} events", context_.runner_label, output.refused_events())
        );
    }
    settle(&handle, &output, end);
}

void RunSession::settle(
    const RunHandle* handle, const DriverOutput* output, const RunnerResult<RunEnd>& end
) {
    const auto reason = reason_.load();
    if (reason == StopReason::abandoned) {
        return;  // the successor finds the run by its handle and label
    }
    const bool ours =
        reason != StopReason::lost && reason != StopReason::cancelled && reporter_.flush();
    if (ours && output != nullptr && output->result()) {
        finish(*output->result(), {});
    } else if (ours && has_lapsed()) {
        const auto phase = output != nullptr ? output->phase() : std::string("prepare");
        finish(Failure{FailureKind::worker_lost, phase, kLapsed}, kLapsed);
    } else if (ours && output != nullptr && output->failure()) {
        const auto& failure = *output->failure();
        finish(failure, with_tail(failure.message, output->error_tail()));
    } else if (const auto refusal = reporter_.refusal(); refusal) {
        const auto why = context_.runner_label +
                         ": the coordinator refused the run's events: " + refusal->message;
        finish(Failure{FailureKind::infrastructure, "", why}, why);
    } else if (ours && reason == StopReason::none) {
        const auto phase = output != nullptr ? output->phase() : std::string("prepare");
        const auto tail = output != nullptr ? output->error_tail() : std::string();
        auto failure =
            end ? failure_of(*end, phase, context_.runner_label) : failure_of(end.error(), phase);
        if (!end && end.error().code == RunnerErrc::not_found) {
            failure = {
                FailureKind::worker_lost,
                phase,
                context_.runner_label + ": the run did not outlive its worker"};
        }
        // what a driver says of itself is not for our log: it may hold anything
        note(LogLevel::warning, "a run ended without a result", failure.message);
        finish(failure, with_tail(failure.message, tail));
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
        std::unique_lock lock(mutex_);
        std::condition_variable never;
        const auto until = context_.clock.steady() + backoff.next();
        while (!abandoned_ && context_.clock.steady() < until) {
            context_.clock.wait_until(lock, never, until);
        }
        if (abandoned_) {
            return;
        }
    } while (context_.clock.now() - kFinishSlack < deadline());
    note(LogLevel::error, "the end of a run could not be told before its deadline");
}

void RunSession::destroy(const RunHandle& handle) {
    // its slot is taken meanwhile, as what could not be removed takes room
    Backoff backoff(std::chrono::milliseconds{100}, std::chrono::seconds{1}, task().value);
    const auto last = context_.clock.steady() + kRemovalPatience;
    auto destroyed = context_.runner.destroy(handle);
    if (!destroyed) {
        note(LogLevel::warning, "a run cannot be removed; trying on", destroyed.error().message);
    }
    while (!destroyed && !abandoned_ && context_.clock.steady() < last) {
        std::unique_lock lock(mutex_);
        std::condition_variable never;
        const auto until = context_.clock.steady() + backoff.next();
        while (!abandoned_ && context_.clock.steady() < until) {
            context_.clock.wait_until(lock, never, until);
        }
        lock.unlock();
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
