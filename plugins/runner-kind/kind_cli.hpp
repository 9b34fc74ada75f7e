#pragma once

#include <opslab/exec/commands.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace opslab::runner_kind {

/// A container that carries kind's label of a cluster.
struct NodeContainer {
    std::string id{};
    std::string name{};

    bool operator==(const NodeContainer&) const = default;
};

/// Where the tools are and how long each may take.
struct Tools {
    std::string kind{};    ///< absolute path
    std::string docker{};  ///< absolute path; kind itself needs it too
    std::chrono::seconds quick{30};
    std::chrono::seconds create{600};
    std::chrono::seconds remove{120};
    std::chrono::seconds pull{1800};
};

struct NewCluster {
    std::string name{};
    std::string image{};
    std::string config_file{};
    std::string kubeconfig{};  ///< a file of this cluster alone: kind's lock has hardly a retry
};

/// The two command lines as they really behave: kind's exit status is no proof of anything, so
/// callers look at `nodes` and `is_ready`. There are never two calls on one name at once: a
/// second one waits, since kind's own clean-up removes a rival's containers; for other processes
/// see WorkerLocks. Threads: any.
/// Every call fails with `infrastructure` and the tool's own last words, or `interrupted`.
class KindCli {
public:
    /// `mark` stands, with the cluster's name, in the environment of each call on a cluster.
    KindCli(exec::Commands commands, Tools tools, std::string mark)
        : commands_(std::move(commands)), tools_(std::move(tools)), mark_(std::move(mark)) {}

    /// Kills what calls on these clusters a killed process left behind, which must not go on beside
    /// its successor's. Only for who holds the lock of their worker.
    [[nodiscard]] RunnerStatus kill_calls(const std::vector<std::string>& clusters) const;

    [[nodiscard]] RunnerResult<std::string> version();
    [[nodiscard]] RunnerResult<std::string> docker_version();

    /// The names of the engine's networks.
    [[nodiscard]] RunnerResult<std::vector<std::string>> networks();

    /// All nodes of a cluster, running or not, sorted by name; none where there is no such cluster.
    [[nodiscard]] RunnerResult<std::vector<NodeContainer>> nodes(const std::string& cluster);

    /// Whether every one of these has `word` in its environment.
    [[nodiscard]] RunnerResult<bool> carry(
        const std::vector<NodeContainer>& nodes, const std::string& word
    );

    [[nodiscard]] RunnerResult<bool> has_image(const std::string& image);
    [[nodiscard]] RunnerStatus pull_image(const std::string& image, Interrupt interrupt);

    /// What is left of it after a failure is for the caller to remove.
    [[nodiscard]] RunnerStatus create(const NewCluster& cluster, Interrupt interrupt);
    [[nodiscard]] RunnerStatus remove(const std::string& cluster, const std::string& kubeconfig);
    [[nodiscard]] RunnerStatus load_image(
        const std::string& cluster, const std::string& image, Interrupt interrupt
    );

    /// The kubeconfig with which containers on kind's network reach the cluster.
    [[nodiscard]] RunnerResult<std::string> internal_kubeconfig(const std::string& cluster);

    /// Asks the API server itself, from inside of the control plane's node: does it say that it is
    /// ready, and are all of `nodes` there and Ready?
    [[nodiscard]] RunnerResult<bool> is_ready(
        const std::string& cluster, std::size_t nodes, Interrupt interrupt
    );

    /// The folders of the nodes that hold data of pods: of persistent volumes that are claimed, and
    /// of pods themselves.
    [[nodiscard]] RunnerResult<std::vector<std::string>> data_in_use(const std::string& cluster);

    /// The folders in any of these where a folder of this machine is mounted.
    [[nodiscard]] RunnerResult<std::vector<std::string>> mounts(
        const std::vector<std::string>& node_ids
    );

    /// Removes these files and folders on the node; what is not there is fine.
    [[nodiscard]] RunnerStatus remove_files(
        const std::string& cluster,
        const std::string& node_id,
        const std::vector<std::string>& paths
    );

private:
    class NameLease;

    [[nodiscard]] std::string mark_of(const std::string& cluster) const;
    [[nodiscard]] exec::Commands on(const std::string& cluster) const;
    [[nodiscard]] std::vector<std::string> kubectl_get(
        const std::string& cluster, std::vector<std::string> what
    ) const;
    [[nodiscard]] static RunnerResult<std::string> output_of(
        const exec::Commands& commands,
        const std::vector<std::string>& words,
        std::chrono::milliseconds timeout,
        Interrupt interrupt
    );
    [[nodiscard]] RunnerResult<std::string> output_of(
        const std::vector<std::string>& words,
        std::chrono::milliseconds timeout,
        Interrupt interrupt
    ) const {
        return output_of(commands_, words, timeout, interrupt);
    }

    exec::Commands commands_;
    Tools tools_;
    std::string mark_;
    std::mutex mutex_{};
    std::condition_variable freed_{};
    std::set<std::string> names_{};  // guarded by mutex_: a call on each is under way
};

}  // namespace opslab::runner_kind
