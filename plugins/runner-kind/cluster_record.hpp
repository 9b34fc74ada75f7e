#pragma once

#include <opslab/runner.hpp>

#include <optional>
#include <string>
#include <vector>

namespace opslab::runner_kind {

/// What is known of a cluster across restarts: it is noted before kind is called, and once the
/// cluster is made with the ids of its containers, which prove from then on that it is ours. Until
/// then ClusterRecords::owner_mark does.
struct ClusterRecord {
    std::string cluster{};
    std::string worker{};
    bool is_made = false;  ///< ready once, `nodes` are its containers; else it may be half there
    bool is_dirty = false;
    int uses = 0;
    std::string run{};  ///< the run that has it; empty: none
    std::vector<std::string> nodes{};

    bool operator==(const ClusterRecord&) const = default;
};

/// The records: a directory for each cluster, with `record.json`, its `kubeconfig` and the
/// `config.yaml` it was made of, and beside them `owner`. Threads: any, one cluster by one at a
/// time.
class ClusterRecords {
public:
    explicit ClusterRecords(std::string root) : root_(std::move(root)) {}

    /// A word that every container of a cluster carries which was made by who has these records,
    /// and nobody else's. Made at the first call, and kept. Fails: `infrastructure`.
    [[nodiscard]] RunnerResult<std::string> owner_mark() const;

    [[nodiscard]] std::string kubeconfig(const std::string& cluster) const;
    [[nodiscard]] std::string config_file(const std::string& cluster) const;

    /// The kubeconfig for containers beside the cluster; nothing where none was kept.
    [[nodiscard]] RunnerStatus keep_internal_kubeconfig(
        const std::string& cluster, const std::string& text
    ) const;
    [[nodiscard]] std::optional<std::string> internal_kubeconfig(const std::string& cluster) const;

    /// On the disk when it returns. Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus write(const ClusterRecord& record) const;

    /// A new file of mode 0600 in place of any other. Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus write_file(
        const std::string& cluster, const std::string& path, const std::string& text
    ) const;

    /// Nothing where there is none or it cannot be read.
    [[nodiscard]] std::optional<ClusterRecord> read(const std::string& cluster) const;
    [[nodiscard]] std::vector<ClusterRecord> all() const;

    /// Whether something is noted of it, be it that it cannot be read.
    [[nodiscard]] bool knows(const std::string& cluster) const;

    /// Idempotent. Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus remove(const std::string& cluster) const;

private:
    [[nodiscard]] std::string directory(const std::string& cluster) const;

    std::string root_;
};

}  // namespace opslab::runner_kind
