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

bool ContainerRuns::is_ending(const std::string& container) {
    const std::lock_guard lock(mutex_);
    return ending_.contains(container);
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

// What the place did to a run that has ended, and that is no fault of the run's.
std::optional<std::string> ContainerRuns::place_fault(
    const std::string& id, const ContainerEnd& end, Interrupt interrupt
) {
    const bool is_ours = is_ending(id);
    if (end.seen && (!end.seen->was_seen || (end.seen->was_signalled && !is_ours))) {
        return "the engine was away when the run ended, or ended it itself, and the end of its "
               "output may be lost";
    }
    if (is_ours) {
        return std::nullopt;
    }
    if (!end.seen && end.state.exit_code != 0) {
        const auto seen = engine_.seen_end(id, interrupt);
        if (seen && seen->was_signalled) {
            return "the engine ended the run's container, and not for opslab (docker stop, kill or "
                   "rm)";
        }
    }
    if (is_disk_full()) {
        return "the disk of the Docker engine is full, and the end of the run's output may be lost";
    }
    return std::nullopt;
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
    OutputRequest request{
        .container = run->id,
        .event_prefix = run->event_prefix,
        .is_local_log = spec_.log_driver == "local",
        .away_limit = spec_.away_limit};
    if (position) {
        request.position = std::string{*position};
    }
    const auto end = deliver_output(engine_, request, sink, interrupt);
    if (!end) {
        return tl::unexpected(end.error());
    }
    if (auto fault = place_fault(run->id, *end, interrupt); fault) {
        return runner_fail(RunnerErrc::infrastructure, *std::move(fault));
    }
    return run_end(end->state);
}

}  // namespace opslab::docker
