#include "cluster_config.hpp"

#include <nlohmann/json.hpp>

namespace opslab::runner_kind {

std::string cluster_config(const ClusterSpec& spec) {
    using Json = nlohmann::ordered_json;
    // OpenEBS, which AIOpsLab installs, looks for the host's disks there
    Json mounts = Json::array();
    mounts.push_back(Json{{"hostPath", "/run/udev"}, {"containerPath", "/run/udev"}});
    Json nodes = Json::array();
    nodes.push_back(Json{{"role", "control-plane"}, {"extraMounts", mounts}});
    for (int i = 0; i < spec.worker_nodes; ++i) {
        nodes.push_back(Json{{"role", "worker"}, {"extraMounts", mounts}});
    }
    const Json config{
        {"kind", "Cluster"}, {"apiVersion", "kind.x-k8s.io/v1alpha4"}, {"nodes", nodes}};
    return config.dump(2) + "\n";
}

}  // namespace opslab::runner_kind
