#pragma once

#include <opslab/docker/engine.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace opslab::docker {

struct OutputRequest {
    std::string container{};
    std::string event_prefix{};
    std::optional<std::string> position{};  ///< what a sink was given before; none: all of it
    /// The log driver `local` keeps lines over 16 KiB in pieces of just that size and drops the
    /// line feed behind the last.
    bool is_local_log = true;
    /// How long an engine that is away is waited for, in all.
    std::chrono::milliseconds away_limit{std::chrono::seconds{60}};
};

struct ContainerEnd {
    ContainerState state{};
    /// Where the end was not watched here, as the log was followed to it: what the engine saw of
    /// it.
    std::optional<SeenEnd> seen{};
};

/// Delivers a container's output from its log until the container has ended and all was delivered,
/// over broken connections and restarts of the engine without loss or repeat. A sink that blocks
/// slows the container down.
/// Fails: `not_found`, `invalid` (the position), `interrupted`, `infrastructure`.
[[nodiscard]] RunnerResult<ContainerEnd> deliver_output(
    Engine& engine, const OutputRequest& request, RunSink& sink, Interrupt interrupt
);

}  // namespace opslab::docker
