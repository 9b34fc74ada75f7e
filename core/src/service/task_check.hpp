#pragma once

#include "service/timed_check.hpp"

#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/storage.hpp>
#include <opslab/task.hpp>
#include <opslab/time.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace opslab {

/// Asks the runners of this coordinator, before tasks are stored, whether they could ever run them:
/// a client learns then what a worker would say after its claim. Workers elsewhere cannot be asked
/// and speak at the claim. Threads: all calls from any.
class TaskCheck {
public:
    /// How long a request waits for the runners; what they have not refused then is accepted.
    static constexpr Duration kPatience = std::chrono::seconds{2};

    /// A runner of the configuration. Its name is its backend type, and it speaks for all workers
    /// of that type.
    struct Asked {
        Runner* runner = nullptr;  ///< outlives the check
        bool has_workers = false;  ///< this coordinator runs workers with it
    };

    TaskCheck(
        const std::map<std::string, Asked>& runners,
        WorkerStore& workers,
        Clock& clock,
        Logger& logger
    );

    /// In the order of `tasks` why a task can never run, for people; nothing for one that may. A
    /// task for any backend is refused where all runners with workers here refuse it and there is
    /// no worker of another kind. Blocks for `kPatience` at most.
    [[nodiscard]] std::vector<std::optional<std::string>> refusals(const std::vector<NewTask>& tasks
    );

private:
    struct Known {
        std::unique_ptr<TimedCheck> check{};
        bool has_workers = false;
    };
    /// What one runner says of those of `tasks` that concern it, by index; equal ones are asked of
    /// once.
    [[nodiscard]] std::map<std::size_t, std::string> refused_by(
        const std::string& name, Known& runner, const std::vector<NewTask>& tasks, SteadyTime until
    );
    [[nodiscard]] bool others_may_run_it();

    std::map<std::string, Known> runners_{};
    WorkerStore& workers_;
    Clock& clock_;
};

}  // namespace opslab
