#pragma once

#include "config/settings.hpp"
#include "daemon/observers.hpp"
#include "plugin/plugin_config.hpp"

#include <opslab/error.hpp>
#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/storage.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace opslab::daemon {

/// What a coordinator is given for its life.
struct Surroundings {
    Clock& clock;
    Entropy& entropy;
    Logger& logger;
};

/// The plugins that a configuration names, found and their settings checked, not yet created.
struct ReadyPlugins {
    plugin::ReadyPlugin storage;
    std::map<std::string, plugin::ReadyPlugin> runners{};  ///< by name (backend type)
};

/// Waits; false once the process is asked to end.
using Pause = std::function<bool(Duration)>;

/// Finds the plugins that `settings` names. On failure all findings, sorted.
[[nodiscard]] tl::expected<ReadyPlugins, config::Findings> find_plugins(
    const config::Settings& settings
);

/// By name. Errors: the first runner's that cannot be opened.
[[nodiscard]] Result<std::map<std::string, std::unique_ptr<Runner>>> open_runners(
    const config::Settings& settings,
    const ReadyPlugins& plugins,
    const Surroundings& surroundings,
    PluginMetrics& plugin_metrics
);

/// Waits for a storage that does not answer; null where the process is asked to end meanwhile.
[[nodiscard]] Result<std::unique_ptr<Storage>> open_storage(
    const ReadyPlugins& plugins,
    const Surroundings& surroundings,
    PluginMetrics& plugin_metrics,
    const Pause& pause
);

}  // namespace opslab::daemon
