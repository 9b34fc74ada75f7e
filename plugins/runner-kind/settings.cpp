#include "settings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab::runner_kind {
namespace {

using Json = nlohmann::json;

[[nodiscard]] std::chrono::seconds seconds_of(
    const Json& config, const char* name, std::chrono::seconds fallback
) {
    return std::chrono::seconds{config.value(name, fallback.count())};
}

[[nodiscard]] Tools tools_of(const Json& config) {
    Tools tools;
    tools.kind = config.value("kind", std::string{"kind"});
    tools.docker = config.value("docker", std::string{"docker"});
    tools.quick = seconds_of(config, "command_timeout_seconds", tools.quick);
    tools.create = seconds_of(config, "create_timeout_seconds", tools.create);
    tools.remove = seconds_of(config, "delete_timeout_seconds", tools.remove);
    tools.pull = seconds_of(config, "pull_timeout_seconds", tools.pull);
    return tools;
}

[[nodiscard]] ClusterSpec cluster_of(const Json& config) {
    ClusterSpec spec;
    spec.node_image = config.value("node_image", std::string{});
    spec.may_pull = config.value("node_image_pull", std::string{"missing"}) != "never";
    spec.config_file = config.value("kind_config", std::string{});
    spec.worker_nodes = config.value("worker_nodes", spec.worker_nodes);
    spec.preload = config.value("preload_images", spec.preload);
    spec.data_paths = config.value("node_data_paths", std::vector<std::string>{"/data/volumes"});
    spec.ready_timeout = seconds_of(config, "ready_timeout_seconds", spec.ready_timeout);
    return spec;
}

[[nodiscard]] PoolSpec pool_of(const Json& config) {
    PoolSpec spec;
    spec.name_prefix = config.value("name_prefix", std::string{});
    spec.reuses = config.value("reuse", std::string{"clean"}) != "never";
    spec.outlives = config.value("on_stop", std::string{"keep"}) != "remove";
    spec.max_reuses = config.value("max_reuses", spec.max_reuses);
    spec.parallel_creations = config.value("parallel_creations", spec.parallel_creations);
    spec.host_lock_path = config.value("host_lock_path", std::string{"/run/lock/opslab-kind"});
    spec.breaker_failures = config.value("breaker_failures", spec.breaker_failures);
    spec.breaker_pause = seconds_of(config, "breaker_seconds", spec.breaker_pause);
    return spec;
}

// A text that goes onto a command line must not look like an option there.
[[nodiscard]] bool is_argument(const std::string& text) {
    return text.find('\0') == std::string::npos && !text.starts_with('-');
}

// Below a folder of the root's, so that no word of it can be the node's own system, and in one way
// only, so that it can be compared.
[[nodiscard]] bool is_data_path(const std::string& path) {
    const std::string whole = path + "/";
    return path.starts_with('/') && path.find('/', 1) != std::string::npos &&
           path.find('\0') == std::string::npos && whole.find("//") == std::string::npos &&
           whole.find("/./") == std::string::npos && whole.find("/../") == std::string::npos;
}

[[nodiscard]] RunnerStatus check(const Settings& settings) {
    const std::string& prefix = settings.pool.name_prefix;
    const bool is_fit = std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (!is_fit || prefix.starts_with('-')) {
        return runner_fail(
            RunnerErrc::invalid, "name_prefix: expected a-z, 0-9 and -, and no - at its beginning"
        );
    }
    if (!is_argument(settings.cluster.node_image)) {
        return runner_fail(RunnerErrc::invalid, "node_image: is not the name of an image");
    }
    const auto& preload = settings.cluster.preload;
    if (!std::all_of(preload.begin(), preload.end(), is_argument)) {
        return runner_fail(RunnerErrc::invalid, "preload_images: one is not the name of an image");
    }
    const std::string& file = settings.cluster.config_file;
    if (!file.empty() && !file.starts_with('/')) {
        return runner_fail(RunnerErrc::invalid, "kind_config: expected an absolute path");
    }
    const auto& data = settings.cluster.data_paths;
    if (!std::all_of(data.begin(), data.end(), is_data_path)) {
        return runner_fail(
            RunnerErrc::invalid,
            "node_data_paths: expected absolute paths such as /data/volumes, with no . or .. and "
            "no / "
            "at the end"
        );
    }
    const std::string& locks = settings.pool.host_lock_path;
    if (!locks.empty() && !locks.starts_with('/')) {
        return runner_fail(RunnerErrc::invalid, "host_lock_path: expected an absolute path");
    }
    return {};
}

}  // namespace

RunnerResult<Settings> read_settings(const std::string& config_json) {
    auto driver = docker::read_container_settings(config_json);
    if (!driver) {
        return tl::unexpected(driver.error());
    }
    Settings settings;
    settings.driver = *std::move(driver);
    try {
        const Json config = Json::parse(config_json);
        settings.driver.spec.network = config.value("network", std::string{"kind"});
        settings.tools = tools_of(config);
        settings.cluster = cluster_of(config);
        settings.needs.memory_mb = config.value("min_free_memory_mb", settings.needs.memory_mb);
        settings.needs.disk_mb = config.value("min_free_disk_mb", settings.needs.disk_mb);
        settings.pool = pool_of(config);
    } catch (const Json::exception&) {  // its text could quote a secret
        return runner_fail(RunnerErrc::invalid, "the settings are not as the plugin's schema says");
    }
    if (auto checked = check(settings); !checked) {
        return tl::unexpected(checked.error());
    }
    return settings;
}

}  // namespace opslab::runner_kind
