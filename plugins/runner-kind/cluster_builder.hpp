#pragma once

#include "cluster_record.hpp"
#include "kind_cli.hpp"
#include "settings.hpp"

#include <opslab/runner_plugin.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace opslab::runner_kind {

/// How long the parts of making a cluster took.
struct BuildTimes {
    std::chrono::milliseconds create{0};
    std::chrono::milliseconds ready{0};
};

struct BuiltCluster {
    ClusterRecord record{};
    BuildTimes times{};
};

/// Makes, checks and removes single clusters, and never touches one that opslab did not make.
/// Threads: any, one cluster by one at a time.
class ClusterBuilder {
public:
    ClusterBuilder(
        KindCli& cli,
        const ClusterRecords& records,
        ClusterSpec spec,
        HostNeeds needs,
        std::string state_dir,
        std::string owner_mark
    );

    /// Ends what calls on these clusters a killed process left behind. Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus kill_calls(const std::vector<std::string>& clusters) {
        return cli_.kill_calls(clusters);
    }

    /// A new cluster whose API answers and whose nodes are all Ready. On failure nothing is left,
    /// or the record is, for `remove`.
    /// Fails: `infrastructure`, `interrupted`.
    [[nodiscard]] RunnerResult<BuiltCluster> make(
        const std::string& cluster, const std::string& worker, Interrupt interrupt
    );

    /// Whether exactly the containers of the record are there and the cluster is ready.
    /// Fails: `infrastructure` where that cannot be asked, `interrupted`.
    [[nodiscard]] RunnerResult<bool> is_healthy(const ClusterRecord& record, Interrupt interrupt);

    /// Empties the data folders of the settings on each node, so that the next run finds none of
    /// the last one's, but for those where a folder of this machine is mounted. False, and nothing
    /// is touched: pods use some of it. Fails: `infrastructure`.
    [[nodiscard]] RunnerResult<bool> clear_data(const ClusterRecord& record);

    /// Idempotent. Fails: `infrastructure` where something is left: kind could not, or containers
    /// under the name are not ours.
    [[nodiscard]] RunnerStatus remove(const std::string& cluster);

    /// As it was kept when the cluster was made: it names no address, and asking takes long.
    [[nodiscard]] RunnerResult<std::string> internal_kubeconfig(const std::string& cluster);

private:
    [[nodiscard]] RunnerResult<bool> is_ours(
        const std::string& cluster, const std::vector<NodeContainer>& nodes
    );
    [[nodiscard]] RunnerStatus clear(const std::string& cluster);
    [[nodiscard]] RunnerStatus bring_image(Interrupt interrupt);
    [[nodiscard]] RunnerStatus write_plan(const ClusterRecord& record);
    [[nodiscard]] RunnerResult<BuiltCluster> build(ClusterRecord record, Interrupt interrupt);
    [[nodiscard]] RunnerStatus await_ready(const ClusterRecord& record, Interrupt interrupt);

    KindCli& cli_;
    const ClusterRecords& records_;
    ClusterSpec spec_;
    HostNeeds needs_;
    std::string state_dir_;
    std::string owner_mark_;
};

}  // namespace opslab::runner_kind
