#pragma once

#include <opslab/exec/child_environment.hpp>
#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::exec {

/// Where the runs of a runner are kept.
struct LocalRunsPlace {
    /// The runner's name: handles begin with it, so that no other runner takes them for its own.
    std::string runner{};
    /// The directory under which each run gets its own. Absolute; made when needed. Empty: `runs`
    /// in the host's state directory.
    std::string root{};
    /// The path of `opslab-supervise`; see installed_supervisor().
    std::string supervisor{};
};

/// What a run starts.
struct LocalCommand {
    std::string program{};                 ///< absolute; see find_program()
    std::vector<std::string> arguments{};  ///< the first is the program's name for itself
    /// What the driver gets beside OPSLAB_PROTOCOL, OPSLAB_WORK_DIR and OPSLAB_TASK_FILE, which
    /// are set here. HOME and TMPDIR are the run's own directory unless set.
    ChildEnvironment environment;
    std::uint64_t open_files = 4096;  ///< RLIMIT_NOFILE
    std::uint64_t memory_bytes = 0;   ///< RLIMIT_AS; 0: no limit
};

/// All of a runner whose driver is a child process, but the choice of the command: the verbs of
/// `Runner` over supervised processes, each in a directory of its own. A runner holds one and
/// answers its verbs with it; one that starts its driver by some other program (a sandbox, a
/// launcher) puts that program into the command.
///
/// A run ends with the process that started it, by kill -9 too, so `wait` with a predecessor's
/// handle is `not_found`; `stop` and `destroy` of one clean up what it left.
///
/// Threads: all calls from any thread; `wait` lets one in at a time for each run. May throw
/// `std::bad_alloc`. The handles and the files are this class's own business.
class LocalRuns {
public:
    /// Reads and makes nothing yet. `host` is used for its log and its state directory.
    LocalRuns(LocalRunsPlace place, RunnerHost host);
    LocalRuns(const LocalRuns&) = delete;
    LocalRuns& operator=(const LocalRuns&) = delete;
    /// Kills the runs that still go on; their directories stay for `destroy` of a successor.
    ~LocalRuns();

    /// The directory that a run's driver starts in (OPSLAB_WORK_DIR), before it is made. Fails:
    /// `invalid` where the worker's id or the run's could not be names of directories.
    [[nodiscard]] RunnerResult<std::string> work_directory(const RunRequest& request) const;

    /// Makes the run's directory and task file, starts the command and returns once it runs. On
    /// failure nothing of the run is left. Not idempotent: a run id that exists is `invalid`.
    /// Interruption: `interrupt` is watched until the program runs. Fails: `invalid`,
    /// `infrastructure`, `interrupted`.
    [[nodiscard]] RunnerResult<RunHandle> start(
        const RunRequest& request, const LocalCommand& command, Interrupt interrupt
    );

    /// See Runner::wait: goes on where the last call left off. Fails: `invalid` (not a handle of
    /// this runner), `not_found`, `interrupted`, `infrastructure` (the run's supervisor was
    /// killed).
    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle, RunSink& sink, Interrupt interrupt
    );

    /// See Runner::stop: SIGTERM to the driver's process group, after `grace` SIGKILL to all that
    /// it ever started. Idempotent. Blocks for `grace` and up to ten seconds more. Fails:
    /// `invalid`, `infrastructure` where processes do not die.
    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace);

    /// See Runner::destroy: kills what runs and removes the directory. Idempotent. Fails: as stop.
    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle);

    /// See Runner::list_owned: every run with a directory, whatever became of it. Fails: `invalid`,
    /// `infrastructure`.
    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) const;

    /// Can runs be started here: is the supervisor installed, the root writable? Answers the root.
    /// Fails: `infrastructure` with what to do about it.
    [[nodiscard]] RunnerResult<std::string> health() const;

private:
    class Runs;
    std::unique_ptr<Runs> runs_;
};

}  // namespace opslab::exec
