#include "exec_runner.hpp"

#include <opslab/exec/marked_processes.hpp>
#include <opslab/exec/program_path.hpp>

#include <algorithm>
#include <utility>

namespace opslab::runner_exec {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr const char* kSharedVariable = "OPSLAB_RUN_DIR";

/// A failure of one of the programs, by its exit code.
[[nodiscard]] RunnerStatus judged(const char* which, const Called& called) {
    if (called.end == RunEnd{EndKind::exited, 0}) {
        return {};
    }
    const bool is_task = called.end == RunEnd{EndKind::exited, kTaskFailure};
    std::string message =
        std::string{which} +
        (called.end.how == EndKind::exited ? " exited with " : " died of signal ") +
        std::to_string(called.end.code);
    if (!called.last_words.empty()) {
        message += ": " + called.last_words;
    }
    return runner_fail(is_task ? RunnerErrc::task : RunnerErrc::infrastructure, std::move(message));
}

}  // namespace

ExecRunner::ExecRunner(Settings settings, const RunnerHost& host, const std::string& supervisor)
    : settings_(std::move(settings)),
      host_(host),
      supervisor_(supervisor),
      environment_(settings_.environment, settings_.variables),
      records_(host.state_dir() + "/calls"),
      runs_({.runner = "exec", .root = {}, .supervisor = supervisor}, host) {}

RunnerResult<std::string> ExecRunner::find(const std::vector<std::string>& command) const {
    return exec::find_program(command.front(), environment_.path(), exec::own_directory());
}

RunnerStatus ExecRunner::find_all() const {
    for (const auto* command :
         {&settings_.prepare, &settings_.run, &settings_.stop, &settings_.cleanup}) {
        if (command->empty()) {
            continue;
        }
        if (const auto found = find(*command); !found) {
            return tl::unexpected(found.error());
        }
    }
    return {};
}

RunnerResult<RunName> ExecRunner::checked(const std::string& worker, const std::string& run) const {
    RunRequest request;
    request.run_id = run;
    request.slot.worker = WorkerId{worker};
    return runs_.work_directory(request).map([&](const std::string&) {
        return RunName{worker, run};
    });
}

RunnerResult<RunName> ExecRunner::name_of(const RunHandle& handle) const {
    return parts_of(handle).and_then([this](const RunName& name) {
        return checked(name.worker, name.run);
    });
}

std::optional<RunHandle> ExecRunner::local_handle(const RunName& name) const {
    const auto owned = runs_.list_owned(WorkerId{name.worker});
    for (const OwnedRun& run : owned ? *owned : std::vector<OwnedRun>{}) {
        if (run.run_id == name.run) {
            return run.handle;
        }
    }
    return std::nullopt;
}

exec::ChildEnvironment ExecRunner::environment_of(const RunName& name, const char* call) const {
    exec::ChildEnvironment environment = environment_;
    environment.set("OPSLAB_CALL", call);
    environment.set("OPSLAB_RUN_ID", name.run);
    environment.set("OPSLAB_WORKER_ID", name.worker);
    environment.set("OPSLAB_REQUEST_FILE", records_.request_file(name));
    environment.set(kSharedVariable, records_.shared_directory(name));
    return environment;
}

RunnerStatus ExecRunner::call(
    const RunName& name,
    const char* which,
    const std::vector<std::string>& command,
    exec::ChildEnvironment environment,
    milliseconds patience,
    Interrupt interrupt
) const {
    auto program = find(command);
    if (!program) {
        return tl::unexpected(program.error());
    }
    for (const char* own : {"HOME", "TMPDIR"}) {
        if (!environment.has(own)) {
            environment.set(own, records_.shared_directory(name));
        }
    }
    exec::ProcessSpec spec;
    spec.supervisor = supervisor_;
    spec.program = std::move(*program);
    spec.arguments = command;
    spec.environment = environment.entries();
    spec.directory = records_.shared_directory(name);
    spec.open_files = settings_.open_files;
    spec.memory_bytes = settings_.memory_bytes;
    const auto called = call_program(spec, patience, interrupt);
    if (!called) {
        return runner_fail(called.error().code, std::string{which} + ": " + called.error().message);
    }
    return judged(which, *called);
}

RunnerStatus ExecRunner::prepare_run(const RunName& name, Interrupt interrupt) const {
    if (settings_.prepare.empty()) {
        return {};
    }
    return call(
        name,
        "prepare",
        settings_.prepare,
        environment_of(name, "prepare"),
        settings_.call_timeout,
        interrupt
    );
}

/// The user's cleanup, then the record. A failure leaves the record, so that the run is owned and
/// the clean-up is tried again.
RunnerStatus ExecRunner::clean_up(const RunName& name) const {
    if (!records_.exists(name)) {
        return {};
    }
    // what a program of a predecessor left whose supervisor was killed too
    const std::string mark = std::string{kSharedVariable} + "=" + records_.shared_directory(name);
    if (auto killed = exec::kill_marked(mark); !killed) {
        return killed;
    }
    if (!settings_.cleanup.empty()) {
        auto cleaned = call(
            name,
            "cleanup",
            settings_.cleanup,
            environment_of(name, "cleanup"),
            settings_.call_timeout,
            Interrupt{}
        );
        if (!cleaned) {
            // whatever its exit code says: a run that cannot be cleaned up is not the task's fault
            return runner_fail(RunnerErrc::infrastructure, cleaned.error().message);
        }
    }
    return records_.remove(name);
}

RunnerResult<RunHandle> ExecRunner::launch(
    const RunName& name, const RunRequest& request, Interrupt interrupt
) {
    if (auto prepared = prepare_run(name, interrupt); !prepared) {
        return tl::unexpected(prepared.error());
    }
    auto program = find(settings_.run);
    if (!program) {
        return tl::unexpected(program.error());
    }
    const exec::LocalCommand command{
        .program = std::move(*program),
        .arguments = settings_.run,
        .environment = environment_of(name, "run"),
        .open_files = settings_.open_files,
        .memory_bytes = settings_.memory_bytes};
    return runs_.start(request, command, interrupt);
}

RunnerResult<RunHandle> ExecRunner::start(const RunRequest& request, Interrupt interrupt) {
    const auto name = checked(request.slot.worker.value, request.run_id);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (auto found = find_all(); !found) {
        return tl::unexpected(found.error());
    }
    if (auto made = records_.make(*name, request); !made) {
        return tl::unexpected(made.error());
    }
    const auto launched = launch(*name, request, interrupt);
    if (!launched) {
        if (auto cleaned = clean_up(*name); !cleaned) {
            host_.log(
                LogLevel::warning, "run " + name->run + " is left: " + cleaned.error().message
            );
        }
        return tl::unexpected(launched.error());
    }
    return to_handle(*name);
}

RunnerResult<RunEnd> ExecRunner::wait(
    const RunHandle& handle,
    std::optional<std::string_view> /*position*/,
    RunSink& sink,
    Interrupt interrupt
) {
    const auto name = name_of(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto local = local_handle(*name);
    if (!local) {
        return runner_fail(RunnerErrc::not_found, "no run \"" + name->run + "\"");
    }
    const auto state = state_of(handle);
    const std::lock_guard lock(state->waiting);
    VerdictSink noting{sink, state->verdict};
    auto end = runs_.wait(*local, noting, interrupt);
    if (!end) {
        return end;
    }
    if (const std::string event = event_of_exit(*end, state->verdict); !event.empty()) {
        if (noting.event(event) == SinkAnswer::leave_off) {
            return runner_fail(RunnerErrc::interrupted, "left off");
        }
    }
    return end;
}

RunnerStatus ExecRunner::stop(const RunHandle& handle, milliseconds grace) {
    const auto name = name_of(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto local = local_handle(*name);
    if (!local) {
        return {};
    }
    const auto end = Steady::now() + grace;
    if (!settings_.stop.empty() && grace.count() > 0) {
        auto environment = environment_of(*name, "stop");
        environment.set("OPSLAB_GRACE_SECONDS", std::to_string(grace.count() / 1000));
        const auto asked =
            call(*name, "stop", settings_.stop, std::move(environment), grace, Interrupt{});
        if (!asked) {
            host_.log(LogLevel::warning, "run " + name->run + ": " + asked.error().message);
        }
    }
    const auto left = std::chrono::duration_cast<milliseconds>(end - Steady::now());
    return runs_.stop(*local, std::max(left, milliseconds{0}));
}

RunnerStatus ExecRunner::destroy(const RunHandle& handle) {
    const auto name = name_of(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto state = state_of(handle);
    const std::lock_guard lock(state->ending);
    if (const auto local = local_handle(*name)) {
        if (auto destroyed = runs_.destroy(*local); !destroyed) {
            return destroyed;
        }
    }
    auto cleaned = clean_up(*name);
    forget(handle);
    return cleaned;
}

RunnerResult<std::vector<OwnedRun>> ExecRunner::list_owned(const WorkerId& worker) {
    // also checks the worker's id before it becomes a path
    const auto local = runs_.list_owned(worker);
    if (!local) {
        return tl::unexpected(local.error());
    }
    const auto runs = records_.list(worker.value);
    if (!runs) {
        return tl::unexpected(runs.error());
    }
    std::vector<OwnedRun> owned;
    for (const std::string& run : *runs) {
        if (const auto name = checked(worker.value, run)) {
            owned.push_back({name->run, to_handle(*name)});
        }
    }
    return owned;
}

RunnerResult<std::string> ExecRunner::health() {
    if (auto found = find_all(); !found) {
        return tl::unexpected(found.error());
    }
    return runs_.health().map([this](const std::string& root) {
        return "run " + settings_.run.front() + ", runs under " + root;
    });
}

std::shared_ptr<ExecRunner::State> ExecRunner::state_of(const RunHandle& handle) {
    const std::lock_guard lock(mutex_);
    auto& state = states_[handle.text];
    if (state == nullptr) {
        state = std::make_shared<State>();
    }
    return state;
}

void ExecRunner::forget(const RunHandle& handle) {
    const std::lock_guard lock(mutex_);
    states_.erase(handle.text);
}

RunnerResult<std::unique_ptr<Runner>> create_exec_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
) {
    auto settings = read_settings(config_json);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    return std::make_unique<ExecRunner>(std::move(*settings), host, supervisor);
}

}  // namespace opslab::runner_exec
