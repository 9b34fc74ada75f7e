#pragma once

#include <opslab/docker/container_runs.hpp>
#include <opslab/docker/engine.hpp>
#include <opslab/runner.hpp>

#include <string>

namespace opslab::docker {

/// Where a driver finds the Docker engine of its run: nobody else can reach that address.
inline constexpr const char* kPrivateEngineHost = "tcp://127.0.0.1:2375";

/// Whether runs of this problem are given a Docker engine of their own.
[[nodiscard]] bool wants_private_engine(const PrivateEngineSpec& spec, const std::string& problem);

/// A Docker engine for one run, in a container that the run's own container is to share the network
/// namespace of: ports that its containers publish are then on the driver's 127.0.0.1, as AIOpsLab
/// expects. It carries the run's labels, and a role. Answers the container's id once the engine
/// answers. On failure nothing is left, or `remove_companions` finds it.
/// Fails: `infrastructure`, `interrupted`.
[[nodiscard]] RunnerResult<std::string> start_private_engine(
    Engine& engine,
    const ContainerSpec& spec,
    const RunRequest& request,
    const std::string& event_prefix,
    Interrupt interrupt
);

/// Removes the containers beside a run's own, with their volumes. Idempotent.
[[nodiscard]] EngineStatus remove_companions(
    Engine& engine, const std::string& scope, const std::string& run_id
);

}  // namespace opslab::docker
