#pragma once

#include <opslab/docker/engine.hpp>
#include <opslab/runner.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace opslab::docker {

inline constexpr const char* kLabelManaged = "opslab.managed";
inline constexpr const char* kLabelScope = "opslab.scope";
inline constexpr const char* kLabelWorker = "opslab.worker";
inline constexpr const char* kLabelRun = "opslab.run";
inline constexpr const char* kLabelTask = "opslab.task";
inline constexpr const char* kLabelAttempt = "opslab.attempt";
inline constexpr const char* kLabelPrefix = "opslab.event-prefix";
/// RunExtras::relies_on, with a blank between.
inline constexpr const char* kLabelReliesOn = "opslab.relies-on";
/// On the containers beside a run's own: what they are for.
inline constexpr const char* kLabelRole = "opslab.role";

/// What a RunHandle's text holds.
struct ContainerHandle {
    std::string id{};
    std::string run_id{};
    std::string event_prefix{};

    [[nodiscard]] RunHandle text() const;
    [[nodiscard]] static std::optional<ContainerHandle> parse(std::string_view text);

    /// From a container's labels; nothing where it is none of ours.
    [[nodiscard]] static std::optional<ContainerHandle> from_labels(
        const std::string& id, const Labels& labels
    );
};

}  // namespace opslab::docker
