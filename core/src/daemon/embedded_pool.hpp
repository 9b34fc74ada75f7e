#pragma once

#include "daemon/direct_port.hpp"
#include "daemon/telling_port.hpp"
#include "http/embedded_workers.hpp"
#include "worker/worker_loop.hpp"

#include <opslab/runner.hpp>

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace opslab {

/// The worker loops of this coordinator, as the configuration names them and as operators scale
/// them over REST.
class EmbeddedPool final : public EmbeddedWorkers {
public:
    /// One line of `workers:` in the configuration.
    struct Group {
        std::string runner{};        ///< its name, which is the backend type
        std::string runner_label{};  ///< how messages name it; empty: `runner "NAME"`
        int count = 1;
        int slots = 1;
        std::vector<std::string> supported_problems{};
        std::chrono::milliseconds stop_grace = std::chrono::seconds{30};
        std::int64_t max_log_bytes = 0;  ///< that a run may store; 0: no limit
    };
    struct Settings {
        /// Whether an id may be ours: with several coordinators another may have it. Errors: it
        /// cannot be told now. Null: always.
        std::function<Result<bool>(const NewWorker&)> take_id{};
        std::string metadata_json = "{}";  ///< of each worker
        std::vector<Group> groups{};
        Duration heartbeat_interval = std::chrono::seconds{30};
        /// 0: nobody else can give tasks away, so leases of these workers do not lapse.
        Duration lease{0};
        std::filesystem::path leases{};  ///< where a folder of notes is made for each worker
        PluginCrashes crashes{};         ///< of this process's predecessors
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
    /// Errors: `conflict`; `unavailable` where the storage cannot tell which ids are free.
    [[nodiscard]] Result<EmbeddedStatus> scale(int num_workers) override;
    /// Loops whose ids cannot be told yet start by themselves once the storage answers.
    [[nodiscard]] Result<EmbeddedStatus> start() override;
    [[nodiscard]] Result<EmbeddedStatus> stop() override;

    /// Takes no more tasks, waits for running ones until `deadline`, then leaves them.
    void drain(SteadyTime deadline);

private:
    struct Member {
        Group group{};  ///< what it was made from, and its successor will be
        std::unique_ptr<LeaseNotes> notes{};
        std::unique_ptr<TellingPort> port{};
        std::unique_ptr<WorkerLoop> loop{};
    };

    [[nodiscard]] NewWorker identity(const Group& group, WorkerId id) const;
    [[nodiscard]] Result<WorkerId> free_id(const Group& group) const;
    void add_member(const Group& group, WorkerId id);
    [[nodiscard]] Status add_missing();
    void keep_adding();
    void add_missing_until_all();
    void stop_adding();
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
    std::vector<Group> missing_;  // a loop each, whose id is not known yet
    std::condition_variable adding_;
    bool stop_adding_ = false;
    std::thread adder_;  // while some are missing; started and joined under steering_
};

}  // namespace opslab
