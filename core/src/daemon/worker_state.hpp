#pragma once

#include <opslab/error.hpp>
#include <opslab/time.hpp>

#include <filesystem>
#include <string>

namespace opslab::daemon {

/// The state directory of a remote worker: held by one process at a time, and the secret by which a
/// coordinator knows a restarted worker again (`instance` in openapi.json).
class WorkerState {
public:
    /// Makes the directory (mode 0700) and the secret where they are not. Errors: `conflict` where
    /// another process holds it, `permission_denied`, `unavailable`.
    [[nodiscard]] static Result<WorkerState> open(
        const std::filesystem::path& folder, Entropy& entropy
    );

    WorkerState(WorkerState&& other) noexcept;
    WorkerState& operator=(WorkerState&&) = delete;
    WorkerState(const WorkerState&) = delete;
    WorkerState& operator=(const WorkerState&) = delete;
    ~WorkerState();

    [[nodiscard]] const std::string& instance() const { return instance_; }

private:
    WorkerState(int lock, std::string instance) : lock_(lock), instance_(std::move(instance)) {}

    int lock_;  ///< a descriptor; the lock goes with the process
    std::string instance_;
};

}  // namespace opslab::daemon
