#pragma once

#include "daemon/direct_port.hpp"
#include "http/embedded_workers.hpp"
#include "worker/worker_loop.hpp"

#include <opslab/runner.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace opslab {

/// The worker loops of this coordinator, as the configuration names them and as operators scale
/// them over REST.
class EmbeddedPool final : public EmbeddedWorkers {
public:
    /// One line of `workers:` in the configuration.
    struct Group {
        std::string runner{};  ///< its name, which is the backend type
        int count = 1;
        int slots = 1;
        std::vector<std::string> supported_problems{};
        std::chrono::milliseconds stop_grace = std::chrono::seconds{30};
    };
    struct Settings {
        /// Whether an id may be ours: with several coordinators another may have it. Null: always.
        std::function<bool(const NewWorker&)> take_id{};
        std::string metadata_json = "{}";  ///< of each worker
        std::vector<Group> groups{};
        Duration heartbeat_interval = std::chrono::seconds{30};
        Duration stop_wait = std::chrono::seconds{0};  ///< how long `stop` lets runs end
    };

    /// `runners` by name; they outlive the pool.
    EmbeddedPool(
        WorkerService& workers,
        std::map<std::string, Runner*> runners,
        Clock& clock,
        Logger& logger,
        Settings settings
    );
    /// Stops without waiting: runs are left to a successor.
    ~EmbeddedPool() override;

    [[nodiscard]] Result<EmbeddedStatus> status() override;
    [[nodiscard]] Result<EmbeddedStatus> scale(int num_workers) override;
    [[nodiscard]] Result<EmbeddedStatus> start() override;
    [[nodiscard]] Result<EmbeddedStatus> stop() override;

    /// Takes no more tasks, waits for running ones until `deadline`, then leaves them.
    void drain(SteadyTime deadline);

private:
    struct Member {
        Group group{};  ///< what it was made from, and its successor will be
        std::unique_ptr<WorkerLoop> loop{};
    };

    [[nodiscard]] NewWorker identity(const Group& group, WorkerId id) const;
    [[nodiscard]] WorkerId free_id(const Group& group) const;
    void add_member(const Group& group, WorkerId id);
    void start_all();
    void stop_members(std::vector<Member>& members, SteadyTime deadline);
    [[nodiscard]] EmbeddedStatus report() const;

    Clock& clock_;
    Logger& logger_;
    Settings settings_;
    std::map<std::string, Runner*> runners_;
    DirectPort port_;
    std::mutex steering_;  // one of start, stop, scale, drain at a time
    mutable std::mutex mutex_;
    std::vector<Member> members_;
};

}  // namespace opslab
