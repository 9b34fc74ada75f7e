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
        stop_at_last(handle);
    });
}

/// An engine that is away may leave its runs alive, and one that was not stopped goes on to its own
/// end: what is tried until that has come.
void RunSession::stop_at_last(const RunHandle& handle) {
    Backoff backoff(std::chrono::milliseconds{100}, std::chrono::seconds{5}, task().value);
    auto stopped = context_.runner.stop(handle, grace());
    if (!stopped) {
        note(LogLevel::error, "a run cannot be stopped; trying on", stopped.error().message);
    }
    while (!stopped && pause(backoff, [this] { return settled_; })) {
        stopped = context_.runner.stop(handle, grace());
    }
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
        over_.notify_all();
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
    const RunBookmark beginning{.handle = handle->text, .last_seq = reporter_.last_pushed()};
    reporter_.set_handle(write_bookmark(beginning));
    follow(beginning);
}

void RunSession::follow(const RunBookmark& from) {
    const RunHandle handle{from.handle};
    {
        const std::lock_guard lock(mutex_);
        handle_ = handle;
        const auto reason = reason_.load();
        if (reason != StopReason::none && reason != StopReason::abandoned) {
            begin_stopping(handle);  // stop came while it was starting
        }
    }
    DriverOutput output(
        reporter_, context_.clock, from, context_.runner_label, context_.max_log_bytes
    );
    // Once the stop is under way its end is what is waited for: only an abandoned run is left.
    auto end = context_.runner.wait(handle, from.position, output, {leave_.fd()});
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
    if (output.lines_left_out() > 0) {
        note(
            LogLevel::warning,
            "a run logged more than is kept",
            fmt::format(
                "{}: {} lines were left out", context_.runner_label, output.lines_left_out()
            )
        );
    }
    settle(&handle, &output, end);
}

}  // namespace opslab
