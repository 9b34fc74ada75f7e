#pragma once

#include "cluster_builder.hpp"
#include "cluster_record.hpp"
#include "creation_gate.hpp"
#include "event_fd.hpp"
#include "host_slots.hpp"
#include "settings.hpp"
#include "worker_locks.hpp"

#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace opslab::runner_kind {

/// The clusters of this runner's workers: one for each slot, one run on each at a time, kept warm
/// between runs. Whatever takes long (health checks, removal, creation) happens on a thread of the
/// cluster, so a task that gives up does not waste what was begun for it. Nothing is looked at or
/// touched of a worker that this process does not `manage`. Threads: any.
class ClusterPool {
public:
    ClusterPool(
        ClusterBuilder& builder,
        const ClusterRecords& records,
        WorkerLocks locks,
        PoolSpec spec,
        RunnerHost host
    );
    ClusterPool(const ClusterPool&) = delete;
    ClusterPool& operator=(const ClusterPool&) = delete;

    /// Breaks off what is under way and removes what is half made; clusters that are ready stay, or
    /// those with no run are removed too, as the settings say.
    ~ClusterPool();

    /// Makes the worker's clusters this process's until the pool ends, unless another process has
    /// them, and takes up what an earlier one left: half-made and dirty clusters go away right now,
    /// one whose run may still be there waits for `release_all_but`. True: they were not before.
    /// Fails: as WorkerLocks::take, `interrupted`.
    [[nodiscard]] RunnerResult<bool> manage(const WorkerId& worker);

    /// The same for the worker whose run this is, by the records. Unknown is fine: false.
    [[nodiscard]] RunnerResult<bool> manage_worker_of(const std::string& run_id);

    /// Sets a ready cluster apart for a slot of a managed worker. Fails: `invalid`,
    /// `infrastructure`, `interrupted` (its making goes on).
    [[nodiscard]] RunnerStatus prepare(const SlotSpec& slot, Interrupt interrupt);

    /// Gives the slot's cluster (see `prepare`) to a run and answers its name.
    [[nodiscard]] RunnerResult<std::string> take(
        const SlotSpec& slot, const std::string& run_id, Interrupt interrupt
    );

    /// The run's start failed. Unless its driver may have run for a moment all the same, its
    /// cluster is as good as before.
    void give_back(const std::string& run_id, bool may_have_run);

    /// The driver said that it left the cluster as it found it, and ended well.
    void mark_clean(const std::string& run_id);

    /// The run is over: its cluster is checked, or made anew, for the next one. Unknown is fine.
    void release(const std::string& run_id);

    /// Frees the worker's clusters whose run of an earlier process is not in `runs` any more.
    void release_all_but(const WorkerId& worker, const std::set<std::string>& runs);

    /// Counts for people.
    [[nodiscard]] std::string summary() const;

    /// What keeps clusters from being made as they should, each with what to do; empty: nothing.
    [[nodiscard]] std::vector<std::string> complaints() const;

private:
    using SlotKey = std::pair<std::string, int>;

    // What a use leaves to be noted on the disk.
    enum class Use { none, never_began, ended_clean, ended_dirty };

    struct Job {
        Use use = Use::none;
        bool only_removes = false;
    };

    // Guarded by the pool's mutex, but for the record on disk and the containers: those are the
    // thread's alone while it is under way, and else theirs who took the cluster for a run.
    struct Cluster {
        std::string name{};
        std::string worker{};
        std::optional<SlotKey> reserved_for{};
        std::string run{};          // that has it
        bool is_inherited = false;  // the run is one of an earlier process
        bool has_ended_clean = false;
        bool is_working = false;
        bool is_ready = false;
        std::chrono::steady_clock::time_point checked{};
        RunnerStatus last{};  // of the work that ended last
        std::thread thread{};
        EventFd done{};  // readable while no work is under way
    };

    void take_up(const ClusterRecord& record);
    void remove_idle();
    [[nodiscard]] RunnerResult<Cluster*> reserve(const SlotSpec& slot);
    [[nodiscard]] RunnerStatus make_ready(Cluster& cluster, Interrupt interrupt);
    [[nodiscard]] RunnerResult<Cluster*> claim(const SlotSpec& slot, const std::string& run_id);
    [[nodiscard]] RunnerStatus note_begin(const std::string& cluster, const std::string& run_id);
    void note_end(const std::string& cluster, Use use);
    void begin_work(Cluster& cluster, Job job);
    void work(Cluster& cluster, Job job);
    [[nodiscard]] bool is_emptied(const std::string& cluster);
    [[nodiscard]] RunnerStatus done_by(const Cluster& cluster, Job job);
    [[nodiscard]] RunnerStatus ensure(const Cluster& cluster);
    [[nodiscard]] RunnerStatus rebuild(const Cluster& cluster);
    [[nodiscard]] RunnerStatus build(const Cluster& cluster);
    [[nodiscard]] bool is_usable(const ClusterRecord& record) const;
    [[nodiscard]] Cluster* holder_of(const std::string& run_id);
    void end_use(Cluster& cluster, Use use);

    ClusterBuilder& builder_;
    const ClusterRecords& records_;
    PoolSpec spec_;
    RunnerHost host_;
    CreationGate gate_;
    HostSlots host_slots_;
    EventFd closing_{};
    WorkerLocks locks_;
    std::mutex managing_mutex_{};  // one worker is taken over at a time; before mutex_

    mutable std::mutex
        mutex_{};  // guards what is below; never held over a call of kind or of the disk
    bool is_closed_ = false;
    std::map<std::string, exec::UniqueFd> managed_{};  // workers, each with its lock
    std::map<std::string, std::unique_ptr<Cluster>> clusters_{};
};

}  // namespace opslab::runner_kind
