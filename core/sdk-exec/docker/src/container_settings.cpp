#include <opslab/docker/container_settings.hpp>
#include <opslab/exec/child_environment.hpp>

#include <nlohmann/json.hpp>

#include <charconv>
#include <cstdlib>
#include <utility>

namespace opslab::docker {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr std::int64_t kLeastMemory = std::int64_t{6} << 20U;  // engines refuse less

[[nodiscard]] std::string from_environment(const std::string& name) {
    // read when the runner is made, before it has threads
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? std::string{} : std::string{value};
}

[[nodiscard]] bool holds_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

[[nodiscard]] std::optional<Words> words_if_any(const Json& config, const char* name) {
    auto words = config.value(name, Words{});
    return words.empty() ? std::nullopt : std::optional{std::move(words)};
}

[[nodiscard]] PullPolicy pull_policy(const std::string& name) {
    if (name == "always") {
        return PullPolicy::always;
    }
    return name == "never" ? PullPolicy::never : PullPolicy::missing;
}

[[nodiscard]] ContainerSpec typed(const Json& config) {
    ContainerSpec spec;
    spec.image = config.at("image").get<std::string>();
    spec.pull = pull_policy(config.value("pull", std::string{"missing"}));
    spec.entrypoint = words_if_any(config, "entrypoint");
    spec.command = words_if_any(config, "command");
    spec.nano_cpus = static_cast<std::int64_t>(config.value("cpus", 0.0) * 1e9);
    spec.pids_limit = config.value("pids_limit", spec.pids_limit);
    spec.network = config.value("network", spec.network);
    spec.is_read_only = config.value("read_only", spec.is_read_only);
    spec.user = config.value("user", spec.user);
    spec.has_init = config.value("init", spec.has_init);
    spec.extra_hosts = config.value("extra_hosts", spec.extra_hosts);
    spec.labels = config.value("labels", spec.labels);
    spec.scope = config.value("scope", spec.scope);
    spec.log_driver = config.value("log_driver", spec.log_driver);
    spec.engine.image = config.value("docker_engine_image", spec.engine.image);
    spec.engine.problems = config.value("docker_engine_problems", spec.engine.problems);
    spec.engine.ready_timeout =
        std::chrono::seconds{config.value("docker_engine_ready_seconds", 60)};
    spec.away_limit = std::chrono::seconds{config.value("engine_away_seconds", 60)};
    return spec;
}

[[nodiscard]] RunnerStatus add_variables(const Json& config, ContainerSpec& spec) {
    for (const auto& name : config.value("environment", Words{})) {
        if (!exec::is_variable_name(name)) {
            return runner_fail(
                RunnerErrc::invalid, "environment: \"" + name + "\" is not a variable's name"
            );
        }
        if (auto value = from_environment(name); !value.empty()) {
            spec.variables[name] = std::move(value);
        }
    }
    const auto variables = config.value("variables", std::map<std::string, std::string>{});
    for (const auto& [name, value] : variables) {
        if (!exec::is_variable_name(name) || holds_nul(value)) {
            return runner_fail(
                RunnerErrc::invalid, "variables: \"" + name + "\" cannot be set as a variable"
            );
        }
        spec.variables[name] = value;
    }
    return {};
}

[[nodiscard]] RunnerStatus check(const ContainerSpec& spec) {
    if (holds_nul(spec.image)) {
        return runner_fail(RunnerErrc::invalid, "image: holds a NUL character");
    }
    for (const auto& [name, value] : spec.labels) {
        if (name.empty() || name.starts_with("opslab.")) {
            return runner_fail(
                RunnerErrc::invalid, "labels: \"" + name + "\" is one of opslab's own"
            );
        }
    }
    return {};
}

}  // namespace

std::optional<std::int64_t> parse_size(std::string_view text) {
    if (text.empty()) {
        return 0;
    }
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc{} || number < 0) {
        return std::nullopt;
    }
    const std::string_view unit{rest, static_cast<std::size_t>(end - rest)};
    int shift = 0;
    if (unit == "k" || unit == "K") {
        shift = 10;
    } else if (unit == "m" || unit == "M") {
        shift = 20;
    } else if (unit == "g" || unit == "G") {
        shift = 30;
    } else if (!unit.empty() && unit != "b" && unit != "B") {
        return std::nullopt;
    }
    if (number > (std::int64_t{1} << (62 - shift))) {
        return std::nullopt;
    }
    return number << shift;
}

RunnerResult<ContainerSettings> read_container_settings(const std::string& config_json) {
    ContainerSettings settings;
    try {
        const Json config = Json::parse(config_json);
        settings.spec = typed(config);
        const auto memory = parse_size(config.value("memory", std::string{}));
        if (!memory || (*memory > 0 && *memory < kLeastMemory)) {
            return runner_fail(
                RunnerErrc::invalid, "memory: expected a size of at least 6m, like 512m or 4g"
            );
        }
        settings.spec.memory_bytes = *memory;
        if (auto added = add_variables(config, settings.spec); !added) {
            return tl::unexpected(added.error());
        }
        auto address =
            engine_address(config.value("socket", std::string{}), from_environment("DOCKER_HOST"));
        if (!address) {
            return runner_fail(RunnerErrc::invalid, "socket: " + address.error().message);
        }
        settings.address = *std::move(address);
    } catch (const Json::exception&) {  // its text could quote a secret
        return runner_fail(RunnerErrc::invalid, "the settings are not as the plugin's schema says");
    }
    if (auto checked = check(settings.spec); !checked) {
        return tl::unexpected(checked.error());
    }
    return settings;
}

}  // namespace opslab::docker
