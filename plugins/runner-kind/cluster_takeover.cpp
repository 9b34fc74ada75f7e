#include "cluster_pool.hpp"

#include <memory>
#include <utility>

/// How the pool comes by a worker's clusters, and how it leaves them.
namespace opslab::runner_kind {

RunnerResult<bool> ClusterPool::manage(const WorkerId& worker) {
    const std::lock_guard managing(managing_mutex_);
    {
        const std::lock_guard lock(mutex_);
        if (managed_.contains(worker.value)) {
            return false;
        }
    }
    auto held = locks_.take(worker);
    if (!held) {
        return tl::unexpected(held.error());
    }
    std::vector<ClusterRecord> left;
    std::vector<std::string> names;
    for (ClusterRecord& record : records_.all()) {
        if (record.worker == worker.value) {
            names.push_back(record.cluster);
            left.push_back(std::move(record));
        }
    }
    // what a killed opslab's kind and docker were doing on them must not go on beside us: where
    // their supervisors were killed as well they outlive it
    if (auto gone = builder_.kill_calls(names); !gone) {
        host_.log(LogLevel::warning, "tools of a killed opslab go on: " + gone.error().message);
    }
    const std::lock_guard lock(mutex_);
    if (is_closed_) {
        return runner_fail(RunnerErrc::interrupted, "the runner is being closed");
    }
    managed_.emplace(worker.value, *std::move(held));
    for (const ClusterRecord& record : left) {
        take_up(record);
    }
    return true;
}

RunnerResult<bool> ClusterPool::manage_worker_of(const std::string& run_id) {
    {
        const std::lock_guard lock(mutex_);
        if (holder_of(run_id) != nullptr) {
            return false;
        }
    }
    for (const ClusterRecord& record : records_.all()) {
        if (!run_id.empty() && record.run == run_id) {
            return manage(WorkerId{record.worker});
        }
    }
    return false;
}

void ClusterPool::take_up(const ClusterRecord& record) {
    auto made = std::make_unique<Cluster>();
    Cluster& cluster = *made;
    cluster.name = record.cluster;
    cluster.worker = record.worker;
    cluster.run = record.run;
    cluster.is_inherited = !record.run.empty();
    cluster.done.set();
    clusters_[cluster.name] = std::move(made);
    if (record.run.empty() && !is_usable(record)) {
        begin_work(cluster, {.only_removes = true});
    }
}

ClusterPool::~ClusterPool() {
    {
        const std::lock_guard lock(mutex_);
        is_closed_ = true;
    }
    gate_.close();
    closing_.set();
    // nobody adds to the map or starts a thread any more
    for (auto& [name, cluster] : clusters_) {
        if (cluster->thread.joinable()) {
            cluster->thread.join();
        }
    }
    if (!spec_.outlives) {
        remove_idle();
    }
}

void ClusterPool::remove_idle() {
    std::vector<std::thread> removers;  // each takes seconds, and somebody waits for our end
    for (const auto& [name, cluster] : clusters_) {
        if (cluster->run.empty()) {
            removers.emplace_back([this, name = name] {
                if (auto removed = builder_.remove(name); !removed) {
                    host_.log(LogLevel::warning, removed.error().message);
                }
            });
        }
    }
    for (auto& remover : removers) {
        remover.join();
    }
}

}  // namespace opslab::runner_kind
