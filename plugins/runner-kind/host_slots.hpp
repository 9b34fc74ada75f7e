#pragma once

#include <opslab/exec/unique_fd.hpp>
#include <opslab/runner.hpp>

#include <string>

namespace opslab::runner_kind {

/// Bounds something on the whole machine, among processes that know nothing of each other: locks on
/// `slot-1` to `slot-N` in a directory that all of them share. A lock goes with the process that
/// holds it, by kill -9 too, so no state can be stale; the files stay. Processes with different
/// bounds together keep to the largest. Threads: any.
class HostSlots {
public:
    /// `directory` empty: no bound.
    HostSlots(std::string directory, int count) : directory_(std::move(directory)), count_(count) {}

    /// Makes the directory, for every user of the machine. Fails: `infrastructure` where it cannot
    /// be used.
    [[nodiscard]] RunnerStatus open() const;

    /// Waits for a free slot, which is held until the answer is closed (an empty one where there is
    /// no bound). Fails: `infrastructure`, `interrupted`.
    [[nodiscard]] RunnerResult<exec::UniqueFd> take(Interrupt interrupt) const;

private:
    std::string directory_;
    int count_;
};

}  // namespace opslab::runner_kind
