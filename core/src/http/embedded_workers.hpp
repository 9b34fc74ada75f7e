#pragma once

#include <opslab/error.hpp>
#include <opslab/ids.hpp>

#include <string>
#include <vector>

namespace opslab {

inline constexpr int kMaxEmbeddedWorkers = 50;

/// One worker loop that this coordinator runs itself.
struct EmbeddedLoop {
    WorkerId id{};
    std::string runner{};  ///< the runner's name, which is the backend type
    bool running = false;
    int slots = 1;
    int busy = 0;  ///< slots with a running task
};

struct EmbeddedStatus {
    std::vector<EmbeddedLoop> loops{};  ///< by id
};

/// The loops that this coordinator runs itself, as operators see and steer them over REST. The
/// daemon implements it. Threads: all calls from any; they may take as long as a runner needs to
/// start or a loop to give way, and answer how things stand then.
class EmbeddedWorkers {
public:
    EmbeddedWorkers() = default;
    EmbeddedWorkers(const EmbeddedWorkers&) = delete;
    EmbeddedWorkers& operator=(const EmbeddedWorkers&) = delete;
    virtual ~EmbeddedWorkers() = default;

    [[nodiscard]] virtual Result<EmbeddedStatus> status() = 0;

    /// Makes `num_workers` loops (0 to `kMaxEmbeddedWorkers`) out of whatever there are. Errors:
    /// `invalid_argument` where no runner is configured and it is not 0.
    [[nodiscard]] virtual Result<EmbeddedStatus> scale(int num_workers) = 0;

    /// Starts all loops that do not run. Idempotent.
    [[nodiscard]] virtual Result<EmbeddedStatus> start() = 0;

    /// Stops all loops: no further claims, running tasks as the workers' stop rules say.
    /// Idempotent.
    [[nodiscard]] virtual Result<EmbeddedStatus> stop() = 0;
};

}  // namespace opslab
