#include "process_runner.hpp"

#include "process_run.hpp"

#include <opslab/exec/event_prefix.hpp>
#include <opslab/exec/marked_processes.hpp>
#include <opslab/exec/process_identity.hpp>
#include <opslab/exec/program_path.hpp>
#include <opslab/exec/supervised_process.hpp>
#include <opslab/exec/task_file.hpp>

#include <signal.h>
#include <unistd.h>

#include <utility>

namespace opslab::runner_process {
namespace {

constexpr int kPredecessorMs = 5000;

}  // namespace

ProcessRunner::ProcessRunner(Settings settings, RunnerHost host, std::string supervisor)
    : settings_(std::move(settings)),
      host_(std::move(host)),
      supervisor_(std::move(supervisor)),
      directories_(settings_.work_root),
      environment_(settings_.environment, settings_.variables) {}

ProcessRunner::~ProcessRunner() = default;

RunnerResult<RunHandle> ProcessRunner::start(const RunRequest& request, Interrupt interrupt) {
    const auto name = run_name(request.slot.worker.value, request.run_id);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (auto made = directories_.make(*name); !made) {
        return tl::unexpected(made.error());
    }
    auto run = launch(*name, request, interrupt);
    if (!run) {
        if (auto removed = directories_.remove(*name); !removed) {
            host_.log(LogLevel::warning, removed.error().message);
        }
        return tl::unexpected(run.error());
    }
    const std::lock_guard lock(mutex_);
    RunHandle handle = to_handle(*name);
    runs_[handle.text] = std::move(*run);
    return handle;
}

RunnerResult<std::shared_ptr<ProcessRun>> ProcessRunner::launch(
    const RunName& name, const RunRequest& request, Interrupt interrupt
) const {
    auto driver = find_driver();
    if (!driver) {
        return tl::unexpected(driver.error());
    }
    auto prefix = exec::make_event_prefix();
    if (!prefix) {
        return tl::unexpected(prefix.error());
    }
    const auto text = exec::task_file_text(request.task_json, *prefix);
    if (!text) {
        return tl::unexpected(text.error());
    }
    if (auto written = exec::write_private_file(directories_.task_file(name), *text); !written) {
        return tl::unexpected(written.error());
    }
    exec::ProcessSpec spec;
    spec.supervisor = supervisor_;
    spec.program = std::move(*driver);
    spec.arguments = settings_.command;
    spec.environment = environment_of(name);
    spec.directory = directories_.work(name);
    spec.open_files = settings_.open_files;
    spec.memory_bytes = settings_.memory_bytes;
    auto process = exec::SupervisedProcess::spawn(spec, interrupt);
    if (!process) {
        return tl::unexpected(process.error());
    }
    const auto identity = exec::identify((*process)->supervisor_pid());
    // the record only makes a clean-up quicker; a driver that ended already has nothing to record
    if (identity) {
        if (auto kept = directories_.record(name, *identity); !kept) {
            return tl::unexpected(kept.error());
        }
    }
    return std::make_shared<ProcessRun>(std::move(*process), std::move(*prefix), mark_of(name));
}

RunnerResult<std::string> ProcessRunner::find_driver() const {
    return exec::find_program(
        settings_.command.front(), environment_.path(), exec::own_directory()
    );
}

std::vector<std::string> ProcessRunner::environment_of(const RunName& name) const {
    exec::ChildEnvironment environment = environment_;
    const std::string work = directories_.work(name);
    for (const char* own : {"HOME", "TMPDIR"}) {
        if (!settings_.variables.contains(own)) {
            environment.set(own, work);
        }
    }
    environment.set("OPSLAB_PROTOCOL", "1");
    environment.set("OPSLAB_WORK_DIR", work);
    environment.set("OPSLAB_TASK_FILE", directories_.task_file(name));
    return environment.entries();
}

std::string ProcessRunner::mark_of(const RunName& name) const {
    return "OPSLAB_WORK_DIR=" + directories_.work(name);
}

std::shared_ptr<ProcessRun> ProcessRunner::find(const RunName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(to_handle(name).text);
    return found == runs_.end() ? nullptr : found->second;
}

RunnerResult<RunEnd> ProcessRunner::wait(
    const RunHandle& handle,
    std::optional<std::string_view> /*position*/,
    RunSink& sink,
    Interrupt interrupt
) {
    const auto name = from_handle(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto run = find(*name);
    if (run == nullptr) {
        return runner_fail(
            RunnerErrc::not_found,
            "no run \"" + name->run + "\" in this process; a run ends with the one that started it"
        );
    }
    return run->wait(sink, interrupt);
}

RunnerStatus ProcessRunner::stop(const RunHandle& handle, std::chrono::milliseconds grace) {
    const auto name = from_handle(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (const auto run = find(*name)) {
        return run->stop(grace);
    }
    return end_predecessors(*name);
}

RunnerStatus ProcessRunner::destroy(const RunHandle& handle) {
    const auto name = from_handle(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto run = find(*name);
    auto ended = run == nullptr ? end_predecessors(*name) : run->stop(std::chrono::milliseconds{0});
    if (!ended) {
        return ended;
    }
    if (auto removed = directories_.remove(*name); !removed) {
        return removed;
    }
    const std::lock_guard lock(mutex_);
    runs_.erase(handle.text);
    return {};
}

// What a process of ours that died left: its supervisor was on the way to end everything at that
// moment. Where even that one was killed, the look for marked processes finds the rest.
RunnerStatus ProcessRunner::end_predecessors(const RunName& name) const {
    if (!directories_.exists(name)) {
        return {};
    }
    if (const auto recorded = directories_.recorded(name)) {
        const exec::UniqueFd supervisor = exec::open_process(*recorded);
        if (supervisor) {
            exec::signal_pidfd(supervisor.get(), SIGTERM);
            static_cast<void>(exec::wait_pidfd(supervisor.get(), kPredecessorMs));
        }
    }
    return exec::kill_marked(mark_of(name));
}

RunnerResult<std::vector<OwnedRun>> ProcessRunner::list_owned(const WorkerId& worker) {
    const auto names = directories_.list(worker.value);
    if (!names) {
        return tl::unexpected(names.error());
    }
    std::vector<OwnedRun> owned;
    owned.reserve(names->size());
    for (const RunName& name : *names) {
        owned.push_back(OwnedRun{name.run, to_handle(name)});
    }
    return owned;
}

RunnerResult<std::string> ProcessRunner::health() {
    const auto driver = find_driver();
    if (!driver) {
        return tl::unexpected(driver.error());
    }
    if (::access(supervisor_.c_str(), X_OK) != 0) {
        return runner_fail(
            RunnerErrc::infrastructure, "\"" + supervisor_ + "\" is missing; install opslab again"
        );
    }
    if (auto made = directories_.make_root(); !made) {
        return tl::unexpected(made.error());
    }
    if (::access(directories_.root().c_str(), R_OK | W_OK | X_OK) != 0) {
        return runner_fail(
            RunnerErrc::infrastructure, "\"" + directories_.root() + "\" cannot be written"
        );
    }
    return "driver " + *driver + ", runs under " + directories_.root();
}

RunnerResult<std::unique_ptr<Runner>> create_process_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
) {
    auto settings = read_settings(config_json, host.state_dir());
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    return std::make_unique<ProcessRunner>(std::move(*settings), host, supervisor);
}

}  // namespace opslab::runner_process
