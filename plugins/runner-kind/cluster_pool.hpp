#pragma once

#include "cluster_builder.hpp"
#include "cluster_record.hpp"
#include "creation_gate.hpp"
#include "event_fd.hpp"
#include "host_slots.hpp"
#include "settings.hpp"

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

/// `worker-001-kind`, for further slots `worker-001-kind-2` and so on, behind the prefix.
/// Fails: `invalid` where the worker's id is not of [a-z0-9-] or the name is too long for kind.
[[nodiscard]] RunnerResult<std::string> cluster_name(
    const std::string& prefix, const WorkerId& worker, int index
);

/// The clusters of this runner: one for each slot, one run on each at a time, kept warm between
/// runs. Whatever takes long (health checks, removal, creation) happens on a thread of the cluster,
/// so a task that gives up does not waste what was begun for it. Threads: any.
class ClusterPool {
public:
    ClusterPool(
        ClusterBuilder& builder, const ClusterRecords& records, PoolSpec spec, RunnerHost host
    );
    ClusterPool(const ClusterPool&) = delete;
    ClusterPool& operator=(const ClusterPool&) = delete;

    /// Breaks off what is under way and removes what is half made; clusters that are ready stay, or
    /// those with no run are removed too, as the settings say.
    ~ClusterPool();

    /// Sets a ready cluster apart for a slot. Fails: `invalid`, `infrastructure`, `interrupted`
    /// (its making goes on).
    [[nodiscard]] RunnerStatus prepare(const SlotSpec& slot, Interrupt interrupt);

    /// Gives the slot's cluster (see `prepare`) to a run and answers its name.
    [[nodiscard]] RunnerResult<std::string> take(
        const SlotSpec& slot, const std::string& run_id, Interrupt interrupt
    );

    /// The run never began on its cluster.
    void give_back(const std::string& run_id);

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

    void adopt(const ClusterRecord& record);
    void remove_idle();
    [[nodiscard]] RunnerResult<Cluster*> reserve(const SlotSpec& slot);
    [[nodiscard]] RunnerStatus make_ready(Cluster& cluster, Interrupt interrupt);
    [[nodiscard]] RunnerResult<Cluster*> claim(const SlotSpec& slot, const std::string& run_id);
    [[nodiscard]] RunnerStatus note_begin(const std::string& cluster, const std::string& run_id);
    void note_end(const std::string& cluster, Use use);
    void begin_work(Cluster& cluster, Job job);
    void work(Cluster& cluster, Job job);
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

    mutable std::mutex
        mutex_{};  // guards what is below; never held over a call of kind or of the disk
    bool is_closed_ = false;
    std::map<std::string, std::unique_ptr<Cluster>> clusters_{};
};

}  // namespace opslab::runner_kind
