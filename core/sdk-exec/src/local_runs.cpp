#include "run_directories.hpp"
#include "supervised_run.hpp"

#include <opslab/exec/event_prefix.hpp>
#include <opslab/exec/local_runs.hpp>
#include <opslab/exec/marked_processes.hpp>
#include <opslab/exec/process_identity.hpp>
#include <opslab/exec/supervised_process.hpp>
#include <opslab/exec/task_file.hpp>
#include <opslab/exec/task_origin.hpp>

#include <signal.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace opslab::exec {
namespace {

constexpr int kPredecessorMs = 5000;

[[nodiscard]] std::string root_of(const LocalRunsPlace& place, const RunnerHost& host) {
    return place.root.empty() ? host.state_dir() + "/runs" : place.root;
}

}  // namespace

class LocalRuns::Runs {
public:
    Runs(LocalRunsPlace place, RunnerHost host)
        : place_(std::move(place)), host_(std::move(host)), directories_(root_of(place_, host_)) {}

    [[nodiscard]] RunnerResult<std::shared_ptr<SupervisedRun>> launch(
        const RunName& name,
        const RunRequest& request,
        const LocalCommand& command,
        Interrupt interrupt
    ) const;
    [[nodiscard]] RunnerStatus end_predecessors(const RunName& name) const;

    [[nodiscard]] RunnerResult<RunName> named(const RunHandle& handle) const {
        return from_handle(place_.runner, handle);
    }
    [[nodiscard]] RunHandle handle_of(const RunName& name) const {
        return to_handle(place_.runner, name);
    }
    [[nodiscard]] const RunDirectories& directories() const { return directories_; }
    [[nodiscard]] const std::string& supervisor() const { return place_.supervisor; }
    void warn(const std::string& message) const { host_.log(LogLevel::warning, message); }

    void add(const RunHandle& handle, std::shared_ptr<SupervisedRun> run) {
        const std::lock_guard lock(mutex_);
        live_[handle.text] = std::move(run);
    }
    [[nodiscard]] std::shared_ptr<SupervisedRun> find(const RunHandle& handle) const {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(handle.text);
        return found == live_.end() ? nullptr : found->second;
    }
    void forget(const RunHandle& handle) {
        const std::lock_guard lock(mutex_);
        live_.erase(handle.text);
    }

private:
    [[nodiscard]] std::vector<std::string> environment_of(
        const RunName& name, const RunRequest& request, ChildEnvironment environment
    ) const;
    [[nodiscard]] std::string mark_of(const RunName& name) const {
        return "OPSLAB_WORK_DIR=" + directories_.work(name);
    }

    LocalRunsPlace place_;
    RunnerHost host_;
    RunDirectories directories_;

    mutable std::mutex mutex_{};
    // shared: a wait goes on with its run while another thread destroys it
    std::map<std::string, std::shared_ptr<SupervisedRun>> live_{};
};

RunnerResult<std::shared_ptr<SupervisedRun>> LocalRuns::Runs::launch(
    const RunName& name, const RunRequest& request, const LocalCommand& command, Interrupt interrupt
) const {
    auto prefix = make_event_prefix();
    if (!prefix) {
        return tl::unexpected(prefix.error());
    }
    const auto text = task_file_text(request.task_json, *prefix);
    if (!text) {
        return tl::unexpected(text.error());
    }
    if (auto written = write_private_file(directories_.task_file(name), *text); !written) {
        return tl::unexpected(written.error());
    }
    ProcessSpec spec;
    spec.supervisor = place_.supervisor;
    spec.program = command.program;
    spec.arguments = command.arguments;
    spec.environment = environment_of(name, request, command.environment);
    spec.directory = directories_.work(name);
    spec.open_files = command.open_files;
    spec.memory_bytes = command.memory_bytes;
    auto process = SupervisedProcess::spawn(spec, interrupt);
    if (!process) {
        return tl::unexpected(process.error());
    }
    const auto identity = identify((*process)->supervisor_pid());
    // the record only makes a clean-up quicker; a driver that ended already has nothing to record
    if (identity) {
        if (auto kept = directories_.record(name, *identity); !kept) {
            return tl::unexpected(kept.error());
        }
    }
    return std::make_shared<SupervisedRun>(std::move(*process), std::move(*prefix), mark_of(name));
}

std::vector<std::string> LocalRuns::Runs::environment_of(
    const RunName& name, const RunRequest& request, ChildEnvironment environment
) const {
    const std::string work = directories_.work(name);
    for (const char* own : {"HOME", "TMPDIR"}) {
        if (!environment.has(own)) {
            environment.set(own, work);
        }
    }
    for (auto& [variable, value] : origin_variables(request.task_json)) {
        environment.set(variable, std::move(value));
    }
    environment.set("OPSLAB_PROTOCOL", "1");
    environment.set("OPSLAB_WORK_DIR", work);
    environment.set("OPSLAB_TASK_FILE", directories_.task_file(name));
    return environment.entries();
}

// What a process of ours that died left: its supervisor was on the way to end everything at that
// moment. Where even that one was killed, the look for marked processes finds the rest.
RunnerStatus LocalRuns::Runs::end_predecessors(const RunName& name) const {
    if (!directories_.exists(name)) {
        return {};
    }
    if (const auto recorded = directories_.recorded(name)) {
        const UniqueFd supervisor = open_process(*recorded);
        if (supervisor) {
            signal_pidfd(supervisor.get(), SIGTERM);
            static_cast<void>(wait_pidfd(supervisor.get(), kPredecessorMs));
        }
    }
    return kill_marked(mark_of(name));
}

LocalRuns::LocalRuns(LocalRunsPlace place, RunnerHost host)
    : runs_(std::make_unique<Runs>(std::move(place), std::move(host))) {}

LocalRuns::~LocalRuns() = default;

RunnerResult<std::string> LocalRuns::work_directory(const RunRequest& request) const {
    return run_name(request.slot.worker.value, request.run_id).map([&](const RunName& name) {
        return runs_->directories().work(name);
    });
}

RunnerResult<RunHandle> LocalRuns::start(
    const RunRequest& request, const LocalCommand& command, Interrupt interrupt
) {
    const auto name = run_name(request.slot.worker.value, request.run_id);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (auto made = runs_->directories().make(*name); !made) {
        return tl::unexpected(made.error());
    }
    auto run = runs_->launch(*name, request, command, interrupt);
    if (!run) {
        if (auto removed = runs_->directories().remove(*name); !removed) {
            runs_->warn(removed.error().message);
        }
        return tl::unexpected(run.error());
    }
    RunHandle handle = runs_->handle_of(*name);
    runs_->add(handle, std::move(*run));
    return handle;
}

RunnerResult<RunEnd> LocalRuns::wait(const RunHandle& handle, RunSink& sink, Interrupt interrupt) {
    const auto name = runs_->named(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    const auto run = runs_->find(handle);
    if (run == nullptr) {
        return runner_fail(
            RunnerErrc::not_found,
            "no run \"" + name->run + "\" in this process; a run ends with the one that started it"
        );
    }
    return run->wait(sink, interrupt);
}

RunnerStatus LocalRuns::stop(const RunHandle& handle, std::chrono::milliseconds grace) {
    const auto name = runs_->named(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (const auto run = runs_->find(handle)) {
        return run->stop(grace);
    }
    return runs_->end_predecessors(*name);
}

RunnerStatus LocalRuns::destroy(const RunHandle& handle) {
    const auto name = runs_->named(handle);
    if (!name) {
        return tl::unexpected(name.error());
    }
    if (auto ended = stop(handle, std::chrono::milliseconds{0}); !ended) {
        return ended;
    }
    if (auto removed = runs_->directories().remove(*name); !removed) {
        return removed;
    }
    runs_->forget(handle);
    return {};
}

RunnerResult<std::vector<OwnedRun>> LocalRuns::list_owned(const WorkerId& worker) const {
    const auto names = runs_->directories().list(worker.value);
    if (!names) {
        return tl::unexpected(names.error());
    }
    std::vector<OwnedRun> owned;
    owned.reserve(names->size());
    for (const RunName& name : *names) {
        owned.push_back(OwnedRun{name.run, runs_->handle_of(name)});
    }
    return owned;
}

RunnerResult<std::string> LocalRuns::health() const {
    const std::string& supervisor = runs_->supervisor();
    if (::access(supervisor.c_str(), X_OK) != 0) {
        return runner_fail(
            RunnerErrc::infrastructure, "\"" + supervisor + "\" is missing; install opslab again"
        );
    }
    if (auto made = runs_->directories().make_root(); !made) {
        return tl::unexpected(made.error());
    }
    const std::string& root = runs_->directories().root();
    if (::access(root.c_str(), R_OK | W_OK | X_OK) != 0) {
        return runner_fail(RunnerErrc::infrastructure, "\"" + root + "\" cannot be written");
    }
    return root;
}

}  // namespace opslab::exec
