#include "daemon/ready_plugins.hpp"

#include "daemon/service_manager.hpp"
#include "plugin/guarded_runner.hpp"
#include "plugin/guarded_storage.hpp"
#include "worker/backoff.hpp"

#include <filesystem>
#include <iterator>
#include <utility>

namespace opslab::daemon {

tl::expected<ReadyPlugins, config::Findings> find_plugins(const config::Settings& settings) {
    const plugin::Catalogue catalogue(plugin::plugin_folders(settings.plugin_path));
    config::Findings findings;
    const auto note = [&](config::Findings more) {
        std::move(more.begin(), more.end(), std::back_inserter(findings));
    };
    auto storage = plugin::prepare_plugin(catalogue, plugin::Kind::storage, settings.storage);
    if (!storage) {
        note(std::move(storage.error()));
    }
    std::map<std::string, plugin::ReadyPlugin> runners;
    for (const auto& named : settings.runners) {
        auto runner = plugin::prepare_plugin(catalogue, plugin::Kind::runner, named.plugin);
        if (runner) {
            runners.emplace(named.name, std::move(*runner));
        } else {
            note(std::move(runner.error()));
        }
    }
    if (!findings.empty()) {
        config::sort_findings(findings);
        return tl::unexpected(std::move(findings));
    }
    return ReadyPlugins{std::move(*storage), std::move(runners)};
}

Result<std::map<std::string, std::unique_ptr<Runner>>> open_runners(
    const config::Settings& settings,
    const ReadyPlugins& plugins,
    const Surroundings& surroundings,
    PluginMetrics& plugin_metrics
) {
    std::map<std::string, std::unique_ptr<Runner>> runners;
    for (const auto& [name, ready] : plugins.runners) {
        const plugin::RunnerHostFacts facts{
            .clock = surroundings.clock,
            .logger = surroundings.logger,
            // two runners of one plugin (two images, say) keep apart by their names
            .state_root = std::filesystem::path(settings.state_path) / name,
            .version = OPSLAB_VERSION,
            .name = name,
        };
        auto runner = plugin::open_runner(ready.library, facts, ready.config_json, &plugin_metrics);
        if (!runner) {
            return fail(std::move(runner.error()));
        }
        runners.emplace(name, std::move(*runner));
    }
    return runners;
}

Result<std::unique_ptr<Storage>> open_storage(
    const ReadyPlugins& plugins,
    const Surroundings& surroundings,
    PluginMetrics& plugin_metrics,
    const Pause& pause
) {
    constexpr Duration kFirstPause = std::chrono::milliseconds{500};
    constexpr Duration kLongestPause = std::chrono::seconds{10};
    Backoff backoff(kFirstPause, kLongestPause, "storage");
    while (true) {
        const LongStart more_time(surroundings.clock);
        auto storage = plugin::open_storage(
            plugins.storage.library,
            StorageHost{
                surroundings.clock, surroundings.entropy, surroundings.logger, &plugin_metrics},
            plugins.storage.config_json,
            &plugin_metrics
        );
        if (storage || storage.error().reason != kStorageAway) {
            return storage;
        }
        log(surroundings.logger,
            LogLevel::warning,
            "the storage does not answer yet; until it does every request is answered 503",
            {{"error", storage.error().message}, {"detail", storage.error().detail}});
        if (!pause(backoff.next())) {
            return nullptr;
        }
    }
}

}  // namespace opslab::daemon
