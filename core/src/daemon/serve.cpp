#include "daemon/serve.hpp"

#include "base/system_clock.hpp"
#include "daemon/coordinator.hpp"
#include "daemon/end_limit.hpp"
#include "daemon/lease_guard.hpp"
#include "daemon/refusal.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/stop_signals.hpp"
#include "plugin/plugin_config.hpp"
#include "telemetry/service_log.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>
#include <exception>

namespace opslab::daemon {

namespace {

constexpr int kCannotServe = 1;

void say_how_tasks_run(const config::Settings& settings, Logger& logger) {
    if (settings.workers.empty()) {
        log(logger,
            LogLevel::info,
            settings.runners.empty()
                ? "no runners and no workers are configured: tasks wait for workers that register "
                  "over REST"
                : "no workers are configured: tasks wait for workers that register over REST");
    }
}

/// While the process has one thread; it ends soon where it turns out that nobody needs it.
std::optional<LeaseGuard> start_guard(
    const config::Settings& settings, const ReadyPlugins& plugins
) {
    LeaseGuard::Runners runners;
    for (const auto& [name, ready] : plugins.runners) {
        runners.emplace(
            name, LeaseGuard::Watched{ready, std::filesystem::path(settings.state_path) / name}
        );
    }
    if (runners.empty()) {
        return std::nullopt;
    }
    auto guard =
        LeaseGuard::start(Coordinator::lease_folder(settings), std::move(runners), settings.log);
    if (!guard) {
        fmt::print(stderr, "opslab: {}\n", guard.error().message);
        return std::nullopt;
    }
    return std::move(*guard);
}

/// A connection is an open file, and many systems begin with 1024 of them: takes what it may have.
void allow_many_files(Logger& logger) {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) {
        return;
    }
    files.rlim_cur = files.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {
        log(logger, LogLevel::warning, "the limit of open files stays as it is");
    }
}

}  // namespace

int serve(const ServeOptions& options) {
    std::optional<std::filesystem::path> file;
    if (options.config_file) {
        file = *options.config_file;
    }
    const auto settings = config::load_settings(file, config::process_environment());
    if (!settings) {
        // with what is wrong in the settings of plugins, as `config check` lists it
        const auto checked = plugin::check_config(file, config::process_environment());
        return refuse(checked ? settings.error() : checked.error());
    }
    const auto plugins = find_plugins(*settings);
    if (!plugins) {
        return refuse(plugins.error());
    }
    auto guard = start_guard(*settings, *plugins);
    const StopSignals signals;
    SystemClock clock;
    SystemEntropy entropy;
    const auto logger = make_service_log(
        settings->log.format == config::LogFormat::json ? ServiceLogFormat::json
                                                        : ServiceLogFormat::human,
        settings->log.level,
        clock
    );
    std::optional<EndLimit> limit;  // destroyed after the coordinator, whose end it watches
    allow_many_files(*logger);
    try {
        auto coordinator = Coordinator::start(
            *settings,
            *plugins,
            Surroundings{clock, entropy, *logger},
            [&signals](Duration longest) { return !signals.wait_for(longest); }
        );
        if (!coordinator) {
            log(*logger,
                LogLevel::critical,
                "cannot start",
                {{"error", coordinator.error().message}, {"detail", coordinator.error().detail}});
            return kCannotServe;
        }
        if (*coordinator == nullptr) {
            log(*logger, LogLevel::info, "stopped before its storage answered");
            return 0;
        }
        if (!(*coordinator)->shares_its_storage()) {
            guard.reset();
        }
        log(*logger, LogLevel::info, "listening", {{"address", (*coordinator)->address()}});
        say_how_tasks_run(*settings, *logger);
        tell_service_manager("READY=1");
        const int signal = signals.wait();
        log(*logger, LogLevel::info, "stopping", {{"signal", signal == SIGINT ? "INT" : "TERM"}});
        tell_service_manager("STOPPING=1");
        signals.let_through();
        limit.emplace(*logger, clock, 2 * settings->server.drain + kPluginPatience);
        (*coordinator)->drain();
    } catch (const std::exception& thrown) {
        log(*logger, LogLevel::critical, "stopped by a defect", {{"error", thrown.what()}});
        return kCannotServe;
    }
    log(*logger, LogLevel::info, "stopped");
    return 0;
}

}  // namespace opslab::daemon
