#pragma once

#include "kind_cli.hpp"

#include <opslab/docker/container_settings.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace opslab::runner_kind {

/// What a cluster is made like.
struct ClusterSpec {
    std::string node_image{};
    bool may_pull = true;
    std::string config_file{};  ///< the operator's own; empty: one is written
    int worker_nodes = 1;
    std::vector<std::string> preload{};
    std::vector<std::string> data_paths{};  ///< on the nodes: emptied between runs
    std::chrono::seconds ready_timeout{300};
};

/// What this machine must have left before a cluster is made.
struct HostNeeds {
    std::uint64_t memory_mb = 1024;
    std::uint64_t disk_mb = 5120;
};

/// How clusters are kept.
struct PoolSpec {
    std::string name_prefix{};
    bool reuses = true;
    bool outlives = true;  ///< clusters with no run stay when this process ends
    int max_reuses = 20;
    int parallel_creations = 2;
    std::string host_lock_path{};  ///< what holds the bound on the whole machine; empty: nothing
    int breaker_failures = 5;
    std::chrono::seconds breaker_pause{60};
};

/// The settings of config_schema.json, typed.
struct Settings {
    docker::ContainerSettings driver{};
    Tools tools{};  ///< `kind` and `docker` as they were set, not looked for yet
    ClusterSpec cluster{};
    HostNeeds needs{};
    PoolSpec pool{};
};

/// From JSON that has passed the schema. Fails: `invalid`, naming the setting and never a value.
[[nodiscard]] RunnerResult<Settings> read_settings(const std::string& config_json);

}  // namespace opslab::runner_kind
