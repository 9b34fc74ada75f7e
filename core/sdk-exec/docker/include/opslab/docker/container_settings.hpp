#pragma once

#include <opslab/docker/container_runs.hpp>
#include <opslab/runner.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opslab::docker {

/// What runners that use containers let people set of them, typed. The names are those of
/// plugins/runner-docker/config_schema.json.
struct ContainerSettings {
    ContainerSpec spec{};
    EngineAddress address{};
};

/// From JSON that has passed the schema; takes the variables that `environment` names, and
/// DOCKER_HOST, from this process. Fails: `invalid`, naming the setting and never a value.
[[nodiscard]] RunnerResult<ContainerSettings> read_container_settings(const std::string& config_json
);

/// `512m`, `4g`, `1048576` as bytes; 0 for the empty text, nothing for what is no size.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace opslab::docker
