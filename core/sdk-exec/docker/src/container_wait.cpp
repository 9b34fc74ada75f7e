#include "run_handle.hpp"

#include <opslab/docker/container_output.hpp>
#include <opslab/docker/container_runs.hpp>

#include <sys/statvfs.h>

#include <cstdint>

/// How a run in a container is waited for, and what its end was.
namespace opslab::docker {
namespace {

[[nodiscard]] RunEnd run_end(const ContainerState& state) {
    constexpr int kSignalBase = 128;
    constexpr int kSigkill = 9;
    const int code = state.exit_code;
    // the flag alone says only that something in the container was killed, perhaps a child that the
    // driver did without
    if (state.is_out_of_memory && code == kSignalBase + kSigkill) {
        return {EndKind::out_of_memory, kSigkill};
    }
    // 128 + n is how engines tell a signal, and how programs tell an exit: it cannot be known which
    return {EndKind::exited, code};
}

}  // namespace

class ContainerRuns::WaitNote {
public:
    WaitNote(ContainerRuns& of, const std::string& container) : of_(of) {
        const std::lock_guard lock(of_.mutex_);
        at_ = of_.endings_.try_emplace(container).first;
        ++at_->second.waits;
    }
    WaitNote(const WaitNote&) = delete;
    WaitNote& operator=(const WaitNote&) = delete;
    ~WaitNote() {
        const std::lock_guard lock(of_.mutex_);
        const Ending& ending = at_->second;
        if (--at_->second.waits == 0 && (!ending.is_ours || ending.is_gone)) {
            of_.endings_.erase(at_);
        }
    }

private:
    ContainerRuns& of_;
    std::map<std::string, Ending>::iterator at_{};
};

void ContainerRuns::note_ending(const std::string& container) {
    const std::lock_guard lock(mutex_);
    endings_[container].is_ours = true;
}

void ContainerRuns::note_gone(const std::string& container) {
    const std::lock_guard lock(mutex_);
    const auto ending = endings_.find(container);
    if (ending == endings_.end()) {
        return;
    }
    ending->second.is_gone = true;
    if (ending->second.waits == 0) {
        endings_.erase(ending);
    }
}

bool ContainerRuns::is_ending(const std::string& container) const {
    const std::lock_guard lock(mutex_);
    const auto ending = endings_.find(container);
    return ending != endings_.end() && ending->second.is_ours;
}

// An engine whose disk is full drops what its containers write, and says so in its own log alone.
// Of an engine on another machine nothing is known.
bool ContainerRuns::is_disk_full() {
    constexpr std::uint64_t kLeastRoom = std::uint64_t{1} << 20U;
    if (engine_.address().socket_path.empty()) {
        return false;
    }
    std::string directory;
    {
        const std::lock_guard lock(mutex_);
        directory = engine_data_;
    }
    if (directory.empty()) {
        directory = engine_.data_directory().value_or("");
        const std::lock_guard lock(mutex_);
        engine_data_ = directory;
    }
    struct statvfs room {};
    return !directory.empty() && ::statvfs(directory.c_str(), &room) == 0 && room.f_blocks > 0 &&
           std::uint64_t{room.f_bfree} * room.f_frsize < kLeastRoom;
}

RunnerResult<RunEnd> ContainerRuns::wait(
    const RunHandle& handle,
    std::optional<std::string_view> position,
    RunSink& sink,
    Interrupt interrupt
) {
    const auto run = ContainerHandle::parse(handle.text);
    if (!run) {
        return runner_fail(RunnerErrc::not_found, "the handle is none of this runner");
    }
    const WaitNote note(*this, run->id);
    OutputRequest request{
        .container = run->id,
        .event_prefix = run->event_prefix,
        .is_local_log = spec_.log_driver == "local",
        .away_limit = spec_.away_limit};
    if (position) {
        request.position = std::string{*position};
    }
    request.is_ending = [this, &run] { return is_ending(run->id); };
    const auto state = deliver_output(engine_, request, sink, interrupt);
    if (state && state->exit_code != 0 && !is_ending(run->id)) {
        const auto seen = engine_.seen_end(run->id, interrupt);
        if (seen && seen->was_signalled) {
            return runner_fail(
                RunnerErrc::infrastructure,
                "the engine ended the run's container, and not for opslab (docker stop, kill or rm)"
            );
        }
    }
    if (state && !is_ending(run->id) && is_disk_full()) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "the disk of the Docker engine is full, and the end of the run's output may be lost"
        );
    }
    return state.map(run_end);
}

}  // namespace opslab::docker
