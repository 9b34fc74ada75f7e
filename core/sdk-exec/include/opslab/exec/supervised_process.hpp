#pragma once

#include <opslab/exec/unique_fd.hpp>
#include <opslab/runner.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace opslab::exec {

/// What to run and within what bounds.
struct ProcessSpec {
    std::string supervisor{};                ///< path of `opslab-supervise`
    std::string program{};                   ///< absolute
    std::vector<std::string> arguments{};    ///< the first is the program's name for itself
    std::vector<std::string> environment{};  ///< `NAME=value`, all of it
    std::string directory{};                 ///< where it starts
    std::uint64_t open_files = 1024;
    std::uint64_t memory_bytes = 0;  ///< address space; 0: no limit
};

/// A program, in a session and process group of its own, with everything that it ever starts: when
/// it ends, is killed, or this process dies (by kill -9 too), its whole family is killed, processes
/// that left its group or session included. stdin is /dev/null, no other descriptor of ours reaches
/// it, it can gain no rights by setuid programs, and it leaves no core files.
///
/// A small supervisor process stands in between and does the killing (`supervise/main.cpp`). Where
/// the program kills that one, the program dies too; what it started may then be left, and
/// `is_all_gone()` says so: use `kill_marked`.
///
/// Threads: any call from any thread; the output descriptors by one at a time.
class SupervisedProcess {
public:
    /// Starts it and returns once the program runs. Fails, with nothing left: `infrastructure`
    /// naming the program, `interrupted`.
    [[nodiscard]] static RunnerResult<std::unique_ptr<SupervisedProcess>> spawn(
        const ProcessSpec& spec, Interrupt interrupt
    );

    SupervisedProcess(const SupervisedProcess&) = delete;
    SupervisedProcess& operator=(const SupervisedProcess&) = delete;

    /// Kills what still runs.
    ~SupervisedProcess();

    [[nodiscard]] int out_fd() const { return out_.get(); }
    [[nodiscard]] int err_fd() const { return err_.get(); }

    /// Readable once all has ended (and stays so).
    [[nodiscard]] int end_fd() const { return pidfd_.get(); }

    [[nodiscard]] pid_t supervisor_pid() const { return supervisor_; }
    [[nodiscard]] pid_t program_pid() const { return program_; }

    /// SIGTERM to the program's process group. Harmless after the end.
    void terminate();

    /// SIGKILL to everything. Harmless after the end.
    void kill_all();

    [[nodiscard]] bool wait_ended(std::chrono::milliseconds timeout) const;

    /// How it ended; only after `end_fd` became readable. A supervisor that was killed counts as
    /// the signal SIGKILL to the program.
    [[nodiscard]] RunEnd end();

    /// After the end: whether the supervisor saw that no descendant is left.
    [[nodiscard]] bool is_all_gone();

private:
    SupervisedProcess() = default;
    [[nodiscard]] RunnerStatus launch(const ProcessSpec& spec, Interrupt interrupt);
    [[nodiscard]] RunnerStatus await_start(const ProcessSpec& spec, Interrupt interrupt);
    void hear_end();

    UniqueFd control_{};
    UniqueFd out_{};
    UniqueFd err_{};
    UniqueFd pidfd_{};
    pid_t supervisor_ = 0;
    pid_t program_ = 0;

    std::mutex mutex_{};  // guards the two below
    bool is_heard_ = false;
    std::optional<RunEnd> end_{};
};

}  // namespace opslab::exec
