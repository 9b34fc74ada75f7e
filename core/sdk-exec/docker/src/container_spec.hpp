#pragma once

#include <opslab/docker/container_runs.hpp>

#include <string>

namespace opslab::docker {

/// Where a run's own files are inside of its container: an anonymous volume, so that it is there
/// and writable in an image FROM scratch and under a read-only root, and gone with the container.
inline constexpr const char* kRunDirectory = "/opslab";

/// The body of the API call that makes a run's container.
[[nodiscard]] std::string container_body(
    const ContainerSpec& spec,
    const RunExtras& extras,
    const RunRequest& request,
    const std::string& event_prefix
);

/// The same for the Docker engine beside a run.
[[nodiscard]] std::string private_engine_body(
    const ContainerSpec& spec, const RunRequest& request, const std::string& event_prefix
);

/// The archive for kRunDirectory: the task file and the work directory, owned by who the driver is.
[[nodiscard]] std::string run_archive(
    const ContainerSpec& spec, const RunExtras& extras, const std::string& task_file
);

}  // namespace opslab::docker
