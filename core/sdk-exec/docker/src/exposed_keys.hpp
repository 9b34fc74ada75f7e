#pragma once

#include <opslab/docker/container_runs.hpp>

#include <optional>
#include <string>

namespace opslab::docker {

/// For people: which variables of a driver look like keys and can be read by whatever runs as its
/// user in its container, an agent's commands among it, and what to do. Nothing where there are
/// none, or the driver is root and so can run those as somebody else. `image_user`: the image's
/// own, as the engine tells it.
[[nodiscard]] std::optional<std::string> exposed_keys(
    const ContainerSpec& spec, const std::string& image_user
);

}  // namespace opslab::docker
