#include "cluster_pool.hpp"

#include "cluster_name.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace opslab::runner_kind {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTrusted{60};  // how long a health check is believed

[[nodiscard]] std::string seconds_text(std::chrono::milliseconds time) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(time.count()) / 1000.0);
    return text.data();
}

}  // namespace

ClusterPool::ClusterPool(
    ClusterBuilder& builder,
    const ClusterRecords& records,
    WorkerLocks locks,
    PoolSpec spec,
    RunnerHost host
)
    : builder_(builder),
      records_(records),
      spec_(std::move(spec)),
      host_(std::move(host)),
      gate_({spec_.parallel_creations, spec_.breaker_failures, spec_.breaker_pause}),
      host_slots_(spec_.host_lock_path, spec_.parallel_creations),
      locks_(std::move(locks)) {
    static_cast<void>(host_slots_.open());  // health says it, and each creation
}

bool ClusterPool::is_usable(const ClusterRecord& record) const {
    const int most_uses = spec_.reuses ? spec_.max_reuses + 1 : 1;
    return record.is_made && !record.is_dirty && record.uses < most_uses;
}

// A slot's own cluster where it is free, else the first free one: after a restart runs go on in
// other slots than they began in, but there are never more runs than slots.
RunnerResult<ClusterPool::Cluster*> ClusterPool::reserve(const SlotSpec& slot) {
    constexpr int kMostSlots = 4096;
    const SlotKey key{slot.worker.value, slot.slot};
    Cluster* found = nullptr;
    for (auto& [name, cluster] : clusters_) {
        if (cluster->reserved_for == key) {
            return cluster.get();
        }
    }
    for (int i = -1; i < kMostSlots && found == nullptr; ++i) {
        const auto name = cluster_name(spec_.name_prefix, slot.worker, i < 0 ? slot.slot : i);
        if (!name) {
            return tl::unexpected(name.error());
        }
        auto& at = clusters_[*name];
        if (at == nullptr) {
            at = std::make_unique<Cluster>();
            at->name = *name;
            at->worker = slot.worker.value;
            at->done.set();
        }
        const bool is_free = at->run.empty() && !at->reserved_for;
        found = is_free ? at.get() : nullptr;
    }
    if (found == nullptr) {
        return runner_fail(RunnerErrc::infrastructure, "every cluster of the worker has a run");
    }
    found->reserved_for = key;
    return found;
}

RunnerStatus ClusterPool::make_ready(Cluster& cluster, Interrupt interrupt) {
    bool has_begun = false;
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (is_closed_) {
                return runner_fail(RunnerErrc::interrupted, "the runner is being closed");
            }
            if (!cluster.is_working) {
                if (cluster.is_ready && SteadyClock::now() - cluster.checked < kTrusted) {
                    return {};
                }
                if (has_begun) {
                    return cluster.last;
                }
                // what failed in the background is tried once more for a task that needs it
                has_begun = true;
                begin_work(cluster, {});
            }
        }
        std::array<pollfd, 2> waits{{{cluster.done.fd(), POLLIN, 0}, {interrupt.fd, POLLIN, 0}}};
        if (::poll(waits.data(), waits.size(), -1) > 0 && waits[1].revents != 0) {
            return runner_fail(RunnerErrc::interrupted, "the wait for a cluster was interrupted");
        }
    }
}

RunnerStatus ClusterPool::prepare(const SlotSpec& slot, Interrupt interrupt) {
    Cluster* cluster = nullptr;
    {
        const std::lock_guard lock(mutex_);
        const auto reserved = reserve(slot);
        if (!reserved) {
            return tl::unexpected(reserved.error());
        }
        cluster = *reserved;
    }
    return make_ready(*cluster, interrupt);
}

RunnerResult<std::string> ClusterPool::take(
    const SlotSpec& slot, const std::string& run_id, Interrupt interrupt
) {
    if (auto ready = prepare(slot, interrupt); !ready) {
        return tl::unexpected(ready.error());
    }
    const auto claimed = claim(slot, run_id);
    if (!claimed) {
        return tl::unexpected(claimed.error());
    }
    Cluster& cluster = **claimed;  // ours alone: it has our run and no work under way
    if (auto noted = note_begin(cluster.name, run_id); !noted) {
        const std::lock_guard lock(mutex_);
        cluster.run.clear();
        cluster.is_ready = false;  // whatever the disk says now is looked at first
        return tl::unexpected(noted.error());
    }
    return cluster.name;
}

RunnerResult<ClusterPool::Cluster*> ClusterPool::claim(
    const SlotSpec& slot, const std::string& run_id
) {
    const std::lock_guard lock(mutex_);
    const auto reserved = reserve(slot);
    if (!reserved) {
        return tl::unexpected(reserved.error());
    }
    Cluster& cluster = **reserved;
    if (!cluster.is_ready || cluster.is_working) {
        return runner_fail(RunnerErrc::infrastructure, "cluster \"" + cluster.name + "\" is gone");
    }
    cluster.reserved_for.reset();
    cluster.run = run_id;
    cluster.is_inherited = false;
    cluster.has_ended_clean = false;
    return &cluster;
}

RunnerStatus ClusterPool::note_begin(const std::string& cluster, const std::string& run_id) {
    auto record = records_.read(cluster);
    if (!record) {
        return runner_fail(RunnerErrc::infrastructure, "the record of \"" + cluster + "\" is gone");
    }
    record->run = run_id;
    ++record->uses;
    return records_.write(*record);
}

// Until it is noted the run still has the cluster as the disk says, so a successor makes it anew.
void ClusterPool::note_end(const std::string& cluster, Use use) {
    auto record = records_.read(cluster);
    if (!record) {
        return;
    }
    record->run.clear();
    record->uses -= use == Use::never_began ? 1 : 0;
    record->is_dirty = record->is_dirty || use == Use::ended_dirty;
    if (auto noted = records_.write(*record); !noted) {
        host_.log(LogLevel::warning, noted.error().message);
    }
}

ClusterPool::Cluster* ClusterPool::holder_of(const std::string& run_id) {
    for (auto& [name, cluster] : clusters_) {
        if (!run_id.empty() && cluster->run == run_id) {
            return cluster.get();
        }
    }
    return nullptr;
}

void ClusterPool::mark_clean(const std::string& run_id) {
    const std::lock_guard lock(mutex_);
    if (Cluster* cluster = holder_of(run_id)) {
        cluster->has_ended_clean = true;
    }
}

void ClusterPool::end_use(Cluster& cluster, Use use) {
    cluster.run.clear();
    begin_work(cluster, {.use = use});
}

void ClusterPool::give_back(const std::string& run_id, bool may_have_run) {
    const std::lock_guard lock(mutex_);
    if (Cluster* cluster = holder_of(run_id)) {
        end_use(*cluster, may_have_run ? Use::ended_dirty : Use::never_began);
    }
}

void ClusterPool::release(const std::string& run_id) {
    const std::lock_guard lock(mutex_);
    if (Cluster* cluster = holder_of(run_id)) {
        end_use(*cluster, cluster->has_ended_clean ? Use::ended_clean : Use::ended_dirty);
    }
}

void ClusterPool::release_all_but(const WorkerId& worker, const std::set<std::string>& runs) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, cluster] : clusters_) {
        if (cluster->worker == worker.value && cluster->is_inherited && !cluster->run.empty() &&
            !runs.contains(cluster->run)) {
            end_use(*cluster, cluster->has_ended_clean ? Use::ended_clean : Use::ended_dirty);
        }
    }
}

void ClusterPool::begin_work(Cluster& cluster, Job job) {
    if (is_closed_ || cluster.is_working) {
        return;
    }
    if (cluster.thread.joinable()) {
        cluster.thread.join();  // it has ended but for its return
    }
    cluster.is_working = true;
    cluster.is_ready = false;
    cluster.done.clear();
    cluster.thread = std::thread([this, &cluster, job] { work(cluster, job); });
}

void ClusterPool::work(Cluster& cluster, Job job) {
    auto outcome = done_by(cluster, job);
    if (!outcome && outcome.error().code != RunnerErrc::interrupted) {
        host_.log(LogLevel::warning, "cluster " + cluster.name + ": " + outcome.error().message);
    }
    const std::lock_guard lock(mutex_);
    cluster.is_working = false;
    cluster.is_ready = outcome.has_value() && !job.only_removes;
    cluster.checked = SteadyClock::now();
    cluster.last = std::move(outcome);
    cluster.done.set();
}

// Of data that the run left on the nodes. Before the run's end is noted: whoever is killed
// meanwhile leaves a cluster that its successor makes anew.
bool ClusterPool::is_emptied(const std::string& cluster) {
    auto record = records_.read(cluster);
    if (!record || !is_usable(*record)) {
        return true;  // it is made anew in any case
    }
    const auto emptied = builder_.clear_data(*record);
    if (!emptied || !*emptied) {
        host_.log(
            LogLevel::warning,
            "cluster " + cluster + " is made anew, since what the run left in node_data_paths " +
                (emptied ? "is still in use" : "cannot be removed: " + emptied.error().message)
        );
    }
    return emptied && *emptied;
}

RunnerStatus ClusterPool::done_by(const Cluster& cluster, Job job) {
    const bool is_as_new = job.use != Use::ended_clean || is_emptied(cluster.name);
    if (job.use != Use::none) {
        note_end(cluster.name, is_as_new ? job.use : Use::ended_dirty);
    }
    return job.only_removes ? builder_.remove(cluster.name) : ensure(cluster);
}

RunnerStatus ClusterPool::ensure(const Cluster& cluster) {
    const auto record = records_.read(cluster.name);
    if (record && is_usable(*record) && record->run.empty()) {
        const auto is_healthy = builder_.is_healthy(*record, closing_.interrupt());
        if (!is_healthy) {
            return tl::unexpected(is_healthy.error());
        }
        if (*is_healthy) {
            return {};
        }
        host_.log(
            LogLevel::warning, "cluster " + cluster.name + " is not healthy; it is made anew"
        );
    }
    if (record) {
        if (auto removed = builder_.remove(cluster.name); !removed) {
            return removed;
        }
    }
    return rebuild(cluster);
}

RunnerStatus ClusterPool::rebuild(const Cluster& cluster) {
    if (auto entered = gate_.enter(); !entered) {
        return entered;
    }
    auto outcome = build(cluster);
    gate_.leave(outcome);
    return outcome;
}

RunnerStatus ClusterPool::build(const Cluster& cluster) {
    const auto slot = host_slots_.take(closing_.interrupt());
    if (!slot && slot.error().code == RunnerErrc::interrupted) {
        return tl::unexpected(slot.error());
    }
    if (!slot) {
        // the bound spares the machine; that nothing is made at all would spare it too much
        host_.log(LogLevel::warning, slot.error().message);
    }
    const auto built = builder_.make(cluster.name, cluster.worker, closing_.interrupt());
    if (!built) {
        return tl::unexpected(built.error());
    }
    host_.log(
        LogLevel::info,
        "cluster " + cluster.name + " is ready: created in " + seconds_text(built->times.create) +
            ", ready after another " + seconds_text(built->times.ready)
    );
    return {};
}

std::string ClusterPool::summary() const {
    const std::lock_guard lock(mutex_);
    int ready = 0;
    int busy = 0;
    for (const auto& [name, cluster] : clusters_) {
        ready += cluster->is_ready && cluster->run.empty() ? 1 : 0;
        busy += cluster->run.empty() ? 0 : 1;
    }
    if (busy + ready == 0) {
        return "";  // of this process: another one's look (opslab doctor) says nothing of them
    }
    return ", " + std::to_string(busy) + " clusters in use, " + std::to_string(ready) + " ready";
}

std::vector<std::string> ClusterPool::complaints() const {
    std::vector<std::string> found;
    if (const auto opened = host_slots_.open(); !opened) {
        found.push_back(opened.error().message);
    }
    if (auto reason = gate_.pause_reason(); !reason.empty()) {
        found.push_back(std::move(reason));
    }
    return found;
}

}  // namespace opslab::runner_kind
