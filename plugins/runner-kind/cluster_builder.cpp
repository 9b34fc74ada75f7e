#include "cluster_builder.hpp"

#include "cluster_config.hpp"
#include "host_check.hpp"

#include <poll.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace opslab::runner_kind {
namespace {

using SteadyClock = std::chrono::steady_clock;

[[nodiscard]] std::vector<std::string> ids_of(const std::vector<NodeContainer>& nodes) {
    std::vector<std::string> ids;
    ids.reserve(nodes.size());
    for (const NodeContainer& node : nodes) {
        ids.push_back(node.id);
    }
    return ids;
}

// A Kubernetes node: the balancer of a cluster with several control planes is none.
[[nodiscard]] bool is_member(const NodeContainer& node) {
    return !node.name.ends_with("-external-load-balancer");
}

[[nodiscard]] std::size_t count_members(const std::vector<NodeContainer>& nodes) {
    return static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), is_member));
}

[[nodiscard]] bool are_noted(const ClusterRecord& record, const std::vector<NodeContainer>& nodes) {
    return std::all_of(nodes.begin(), nodes.end(), [&](const NodeContainer& node) {
        const auto& known = record.nodes;
        return std::find(known.begin(), known.end(), node.id) != known.end();
    });
}

// Whether `path` is `folder` or below it.
[[nodiscard]] bool is_within(const std::string& path, const std::string& folder) {
    return path == folder || path.starts_with(folder.ends_with('/') ? folder : folder + "/");
}

[[nodiscard]] std::chrono::milliseconds since(SteadyClock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begin);
}

}  // namespace

ClusterBuilder::ClusterBuilder(
    KindCli& cli,
    const ClusterRecords& records,
    ClusterSpec spec,
    HostNeeds needs,
    std::string state_dir,
    std::string owner_mark
)
    : cli_(cli),
      records_(records),
      spec_(std::move(spec)),
      needs_(needs),
      state_dir_(std::move(state_dir)),
      owner_mark_(std::move(owner_mark)) {}

// Each container of a cluster that was made must be one that was noted. While it is being made
// their ids are not known, so what kind was told to put into them tells; also of one that comes to
// light late, when its making was cut off and its record is gone.
RunnerResult<bool> ClusterBuilder::is_ours(
    const std::string& cluster, const std::vector<NodeContainer>& nodes
) {
    const auto record = records_.read(cluster);
    if (!record && records_.knows(cluster)) {
        return false;  // nobody knows what it says, so nothing is risked
    }
    return record && record->is_made ? are_noted(*record, nodes) : cli_.carry(nodes, owner_mark_);
}

RunnerStatus ClusterBuilder::bring_image(Interrupt interrupt) {
    // an absent image would cost kind five tries of its own, or be a surprise download
    const auto is_there = cli_.has_image(spec_.node_image);
    if (!is_there) {
        return tl::unexpected(is_there.error());
    }
    if (*is_there) {
        return {};
    }
    if (!spec_.may_pull) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "node image \"" + spec_.node_image +
                "\" is not on the engine and node_image_pull is \"never\"; load it"
        );
    }
    if (auto pulled = cli_.pull_image(spec_.node_image, interrupt); !pulled) {
        return runner_fail(
            pulled.error().code,
            "pull node image \"" + spec_.node_image + "\": " + pulled.error().message
        );
    }
    return {};
}

RunnerStatus ClusterBuilder::write_plan(const ClusterRecord& record) {
    if (auto noted = records_.write(record); !noted || !spec_.config_file.empty()) {
        return noted;
    }
    return records_.write_file(
        record.cluster, records_.config_file(record.cluster), cluster_config(spec_)
    );
}

RunnerStatus ClusterBuilder::await_ready(const ClusterRecord& record, Interrupt interrupt) {
    // kind's own wait looks at control planes alone, and ends well when its time is over
    constexpr int kPauseMs = 500;
    const auto deadline = SteadyClock::now() + spec_.ready_timeout;
    for (;;) {
        const auto is_ready = cli_.is_ready(record.cluster, record.nodes.size(), interrupt);
        if (is_ready && *is_ready) {
            return {};
        }
        if (!is_ready && is_ready.error().code == RunnerErrc::interrupted) {
            return tl::unexpected(is_ready.error());
        }
        if (SteadyClock::now() >= deadline) {
            return runner_fail(
                RunnerErrc::infrastructure,
                "the cluster was not ready within " + std::to_string(spec_.ready_timeout.count()) +
                    " s" + (is_ready ? std::string{} : ": " + is_ready.error().message)
            );
        }
        pollfd entry{interrupt.fd, POLLIN, 0};
        if (::poll(&entry, 1, kPauseMs) > 0) {
            return runner_fail(RunnerErrc::interrupted, "the making of a cluster was interrupted");
        }
    }
}

RunnerResult<BuiltCluster> ClusterBuilder::build(ClusterRecord record, Interrupt interrupt) {
    const auto begin = SteadyClock::now();
    const bool has_own = !spec_.config_file.empty();
    const NewCluster wanted{
        .name = record.cluster,
        .image = spec_.node_image,
        .config_file = has_own ? spec_.config_file : records_.config_file(record.cluster),
        .kubeconfig = records_.kubeconfig(record.cluster)};
    if (auto created = cli_.create(wanted, interrupt); !created) {
        return tl::unexpected(created.error());
    }
    BuildTimes times;
    times.create = since(begin);
    const auto nodes = cli_.nodes(record.cluster);
    if (!nodes) {
        return tl::unexpected(nodes.error());
    }
    if (nodes->empty()) {
        return runner_fail(RunnerErrc::infrastructure, "kind said that it is made, but it is not");
    }
    ClusterRecord members = record;
    members.nodes.resize(count_members(*nodes));
    if (auto ready = await_ready(members, interrupt); !ready) {
        return tl::unexpected(ready.error());
    }
    times.ready = since(begin) - times.create;
    for (const std::string& image : spec_.preload) {
        if (auto loaded = cli_.load_image(record.cluster, image, interrupt); !loaded) {
            return runner_fail(
                loaded.error().code, "load image \"" + image + "\": " + loaded.error().message
            );
        }
    }
    const auto kept = cli_.internal_kubeconfig(record.cluster).and_then([&](const auto& text) {
        return records_.keep_internal_kubeconfig(record.cluster, text);
    });
    if (!kept) {
        return tl::unexpected(kept.error());
    }
    record.nodes = ids_of(*nodes);
    record.is_made = true;
    if (auto noted = records_.write(record); !noted) {
        return tl::unexpected(noted.error());
    }
    return BuiltCluster{std::move(record), times};
}

RunnerResult<BuiltCluster> ClusterBuilder::make(
    const std::string& cluster, const std::string& worker, Interrupt interrupt
) {
    // kind takes minutes and the image longer: a name that is taken is said before
    auto ready = remove(cluster);
    if (ready) {
        ready = check_room(needs_, state_dir_);
    }
    if (ready) {
        ready = bring_image(interrupt);
    }
    ClusterRecord record;
    record.cluster = cluster;
    record.worker = worker;
    if (ready) {
        ready = write_plan(record);
    }
    if (ready) {
        ready = clear(cluster);  // somebody may have taken it meanwhile
    }
    if (!ready) {
        return tl::unexpected(ready.error());
    }
    auto built = build(record, interrupt);
    if (!built) {
        RunnerError error = built.error();
        if (auto removed = remove(cluster); !removed) {
            error.message += "; and then: " + removed.error().message;
        }
        return tl::unexpected(std::move(error));
    }
    return built;
}

RunnerResult<std::string> ClusterBuilder::internal_kubeconfig(const std::string& cluster) {
    if (auto kept = records_.internal_kubeconfig(cluster)) {
        return *std::move(kept);
    }
    return cli_.internal_kubeconfig(cluster);
}

RunnerResult<bool> ClusterBuilder::is_healthy(const ClusterRecord& record, Interrupt interrupt) {
    const auto nodes = cli_.nodes(record.cluster);
    if (!nodes) {
        return tl::unexpected(nodes.error());
    }
    if (!record.is_made || nodes->empty() || nodes->size() != record.nodes.size() ||
        !are_noted(record, *nodes)) {
        return false;
    }
    return cli_.is_ready(record.cluster, count_members(*nodes), interrupt);
}

RunnerResult<bool> ClusterBuilder::clear_data(const ClusterRecord& record) {
    const auto mounts = spec_.data_paths.empty() ? RunnerResult<std::vector<std::string>>{}
                                                 : cli_.mounts(record.nodes);
    if (!mounts) {
        return tl::unexpected(mounts.error());
    }
    std::vector<std::string> paths = spec_.data_paths;
    std::erase_if(paths, [&](const std::string& path) {
        return std::any_of(mounts->begin(), mounts->end(), [&](const std::string& mount) {
            return is_within(path, mount) || is_within(mount, path);
        });
    });
    if (paths.empty()) {
        return true;
    }
    const auto used = cli_.data_in_use(record.cluster);
    if (!used) {
        return tl::unexpected(used.error());
    }
    const bool is_used = std::any_of(used->begin(), used->end(), [&](const std::string& one) {
        return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
            return is_within(one, path);
        });
    });
    if (is_used) {
        return false;
    }
    const auto nodes = cli_.nodes(record.cluster);
    if (!nodes) {
        return tl::unexpected(nodes.error());
    }
    for (const NodeContainer& node : *nodes) {
        if (!is_member(node)) {
            continue;
        }
        if (auto removed = cli_.remove_files(record.cluster, node.id, paths); !removed) {
            return tl::unexpected(removed.error());
        }
    }
    return true;
}

RunnerStatus ClusterBuilder::remove(const std::string& cluster) {
    if (auto cleared = clear(cluster); !cleared) {
        return cleared;
    }
    return records_.remove(cluster);
}

// Its containers: the record stays.
RunnerStatus ClusterBuilder::clear(const std::string& cluster) {
    constexpr int kTries = 2;  // the exit status says nothing: what is left does
    RunnerStatus last{};
    for (int tries = 0; tries <= kTries; ++tries) {
        const auto nodes = cli_.nodes(cluster);
        if (!nodes) {
            return tl::unexpected(nodes.error());
        }
        if (nodes->empty()) {
            return {};
        }
        const auto ours = is_ours(cluster, *nodes);
        if (!ours) {
            return tl::unexpected(ours.error());
        }
        if (!*ours) {
            return runner_fail(
                RunnerErrc::infrastructure,
                "a kind cluster \"" + cluster +
                    "\" is there that opslab did not make, and was left alone; set name_prefix, "
                    "or remove it: kind delete cluster --name " +
                    cluster
            );
        }
        if (tries < kTries) {
            last = cli_.remove(cluster, records_.kubeconfig(cluster));
        }
    }
    return runner_fail(
        RunnerErrc::infrastructure,
        "cluster \"" + cluster + "\" could not be removed" +
            (last ? std::string{} : ": " + last.error().message)
    );
}

}  // namespace opslab::runner_kind
