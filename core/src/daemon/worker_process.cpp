#include "daemon/worker_process.hpp"

#include "base/json.hpp"
#include "base/system_clock.hpp"
#include "config/settings.hpp"
#include "daemon/end_limit.hpp"
#include "daemon/lease_guard.hpp"
#include "daemon/measured_port.hpp"
#include "daemon/observers.hpp"
#include "daemon/run_mark.hpp"
#include "daemon/stop_signals.hpp"
#include "daemon/telling_port.hpp"
#include "daemon/worker_server.hpp"
#include "daemon/worker_state.hpp"
#include "domain/worker_codec.hpp"
#include "plugin/catalogue.hpp"
#include "plugin/guarded_runner.hpp"
#include "plugin/plugin_config.hpp"
#include "plugin/runner_calls.hpp"
#include "remote/rest_port.hpp"
#include "remote/token_file.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/service_log.hpp"
#include "worker/worker_loop.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <vector>

namespace opslab::daemon {

namespace {

constexpr int kCannotWork = 1;
constexpr int kBadUse = 2;
/// Orders come with heartbeats, so a run that is to be cancelled waits no longer than this.
constexpr Duration kBusyHeartbeat = std::chrono::seconds{5};

/// Everything that is wrong with what a worker was told, so that it is said at once.
using Complaints = std::vector<std::string>;

int refuse(const Complaints& complaints) {
    for (const auto& complaint : complaints) {
        fmt::print(stderr, "opslab: {}\n", complaint);
    }
    return kBadUse;
}

std::string known_runners(const config::Settings& settings) {
    std::string names;
    for (const auto& runner : settings.runners) {
        names += (names.empty() ? "\"" : ", \"") + runner.name + "\"";
    }
    return names.empty() ? "it has none; name one under runners: in the file of --config"
                         : "it has " + names;
}

void check_names(
    const WorkerOptions& options, const config::Settings& settings, Complaints& complaints
) {
    const auto name = parse_worker_id(options.id);
    if (!name) {
        complaints.push_back(
            "--id \"" + options.id +
            "\" must have the form worker-NNN-RUNNER, such as worker-001-" +
            (options.runner.empty() ? "docker" : options.runner)
        );
    } else if (name->backend_type != options.runner) {
        complaints.push_back(
            "--id \"" + options.id + "\" must end in the runner's name, \"" + options.runner + "\""
        );
    }
    if (settings.find_runner(options.runner) == nullptr) {
        complaints.push_back(
            "--runner \"" + options.runner +
            "\" is not in the configuration: " + known_runners(settings)
        );
    }
}

std::filesystem::path state_folder(
    const WorkerOptions& options, const config::Environment& environment, Complaints& complaints
) {
    if (!options.state_dir.empty()) {
        return options.state_dir;
    }
    const auto state = environment("XDG_STATE_HOME");
    if (state && !state->empty()) {
        return std::filesystem::path(*state) / "opslab" / options.id;
    }
    const auto home = environment("HOME");
    if (home && !home->empty()) {
        return std::filesystem::path(*home) / ".local" / "state" / "opslab" / options.id;
    }
    complaints.emplace_back("there is no HOME to keep state in: give --state-dir");
    return {};
}

WorkerLoop::Settings loop_settings(const WorkerOptions& options, const config::Settings& settings) {
    WorkerLoop::Settings loop;
    loop.runner_label =
        plugin::runner_label(options.runner, settings.find_runner(options.runner)->plugin.plugin);
    auto& worker = loop.identity;
    worker.id = WorkerId{options.id};
    worker.backend_type = options.runner;
    const auto group =
        std::find_if(settings.workers.begin(), settings.workers.end(), [&](const auto& one) {
            return one.runner == options.runner;
        });
    if (group != settings.workers.end()) {
        worker.max_parallel_tasks = group->max_parallel_tasks;
        worker.supported_problems = group->supported_problems;
        loop.stop_grace = group->stop_grace;
        loop.max_log_bytes = group->max_log_bytes;
    }
    worker.max_parallel_tasks = options.max_parallel_tasks.value_or(worker.max_parallel_tasks);
    loop.heartbeat_interval = settings.heartbeat.interval;
    loop.lease = settings.heartbeat.timeout;
    loop.busy_heartbeat_interval = std::min(loop.heartbeat_interval, kBusyHeartbeat);
    return loop;
}

/// Where its own port is; nothing: it has none.
std::optional<config::ListenAddress> own_port(
    const WorkerOptions& options, const config::Settings& settings, Complaints& complaints
) {
    auto listen = settings.worker_server.listen;
    if (options.listen == "none") {
        return std::nullopt;
    }
    if (!options.listen.empty()) {
        listen = config::parse_listen(options.listen);
        if (!listen) {
            complaints.push_back(
                "--listen \"" + options.listen +
                "\" must be an address and a port such as 127.0.0.1:9200, or none"
            );
        }
    }
    if (listen && !config::is_loopback(listen->host) && options.token_file.empty() &&
        !settings.server.allow_unauthenticated) {
        complaints.push_back(
            "others can reach " + listen->host +
            ": that needs --token-file, or server.allow_unauthenticated: true"
        );
    }
    return listen;
}

/// What a worker needs, checked and opened.
struct Parts {
    config::Settings settings;
    std::optional<config::ListenAddress> listen;
    plugin::ReadyPlugin plugin;
    Endpoint endpoint;
    std::filesystem::path state;
    bool token_is_public = false;
};

tl::expected<Parts, int> prepare(const WorkerOptions& options) {
    const auto environment = config::process_environment();
    std::optional<std::filesystem::path> file;
    if (options.config_file) {
        file = *options.config_file;
    }
    auto settings = config::load_settings(file, environment);
    if (!settings) {
        fmt::print(stderr, "{}\n", config::to_text(settings.error()));
        return tl::unexpected(kBadUse);
    }
    Complaints complaints;
    check_names(options, *settings, complaints);
    Endpoint endpoint{.url = options.coordinator};
    if (const auto client = HttpClient::open(endpoint); !client) {
        complaints.push_back(client.error().message);
    }
    bool token_is_public = false;
    if (!options.token_file.empty()) {
        if (auto token = read_token_file(options.token_file)) {
            endpoint.token = std::move(token->token);
            token_is_public = token->others_can_read;
        } else {
            complaints.push_back(token.error().message);
        }
    }
    auto state = state_folder(options, environment, complaints);
    auto listen = own_port(options, *settings, complaints);
    if (!complaints.empty()) {
        return tl::unexpected(refuse(complaints));
    }
    const plugin::Catalogue catalogue(plugin::plugin_folders(settings->plugin_path));
    auto plugin = plugin::prepare_plugin(
        catalogue, plugin::Kind::runner, settings->find_runner(options.runner)->plugin
    );
    if (!plugin) {
        fmt::print(stderr, "{}\n", config::to_text(plugin.error()));
        return tl::unexpected(kBadUse);
    }
    return Parts{
        std::move(*settings),
        std::move(listen),
        std::move(*plugin),
        std::move(endpoint),
        std::move(state),
        token_is_public};
}

std::filesystem::path lease_folder(const Parts& parts) {
    return parts.state / "leases";
}

/// What tells how the worker is doing.
struct Telemetry {
    Telemetry(Clock& clock, Logger& plain_log, Duration plugin_patience)
        : metrics(OPSLAB_VERSION, clock.now(), MetricsOf::worker),
          log(plain_log, clock, metrics),
          plugins(metrics, clock, log, plugin_patience) {}

    Metrics metrics;
    CountedLog log;
    PluginMetrics plugins;
};

Result<std::unique_ptr<Runner>> open_its_runner(
    const WorkerOptions& options, const Parts& parts, Clock& clock, Telemetry& telemetry
) {
    return plugin::open_runner(
        parts.plugin.library,
        {.clock = clock,
         .logger = telemetry.log,
         .state_root = parts.state / options.runner,
         .version = OPSLAB_VERSION,
         .name = options.runner},
        parts.plugin.config_json,
        &telemetry.plugins
    );
}

/// To the coordinator; its calls are numbered behind `prefix`.
Result<std::unique_ptr<RestPort>> open_its_line(
    const Parts& parts, std::string prefix, std::string instance
) {
    auto endpoint = parts.endpoint;
    endpoint.numbers = std::make_shared<CallNumbers>();
    endpoint.numbers->prefix = std::move(prefix);
    return RestPort::open({std::move(endpoint), std::move(instance)});
}

void say_working(
    const WorkerOptions& options,
    const Parts& parts,
    const WorkerLoop& loop,
    const WorkerServer* server,
    Logger& logger
) {
    log(logger,
        LogLevel::info,
        "working",
        {{"worker", options.id},
         {"coordinator", parts.endpoint.url},
         {"slots", std::to_string(loop.slots())},
         {"address", server != nullptr ? server->address() : "none"},
         {"state", parts.state.string()}});
}

/// Null where the worker is to have no port of its own.
Result<std::unique_ptr<WorkerServer>> open_its_server(
    const Parts& parts, const WorkerServer::Parts& given
) {
    return parts.listen ? WorkerServer::start(*parts.listen, given)
                        : Result<std::unique_ptr<WorkerServer>>(nullptr);
}

/// Drains, as a signal asked for.
void wind_down(
    const WorkerOptions& options, WorkerLoop& loop, Duration drain, Clock& clock, Logger& logger
) {
    loop.drain();
    if (!loop.wait_until_idle(clock.steady() + drain)) {
        log(logger,
            LogLevel::warning,
            "worker stops with tasks still running; its successor picks them up",
            {{"worker", options.id}});
    }
    loop.stop();
}

/// Works until a signal comes. Errors: what kept it from starting.
Status work(
    const WorkerOptions& options,
    const Parts& parts,
    const StopSignals& signals,
    Clock& clock,
    Logger& plain_log
) {
    SystemEntropy entropy;
    Telemetry telemetry(clock, plain_log, parts.settings.plugin_patience);
    Logger& logger = telemetry.log;
    const auto state = WorkerState::open(parts.state, entropy);
    if (!state) {
        return fail(state.error());
    }
    const auto mark = RunMark::leave(parts.state);
    mark.tell_of_killed("worker", logger, {{"worker", options.id}});
    const auto runner = open_its_runner(options, parts, clock, telemetry);
    if (!runner) {
        return fail(runner.error());
    }
    const auto rest_port =
        open_its_line(parts, options.id + "." + make_uuid(clock.now(), entropy), state->instance());
    if (!rest_port) {
        return fail(rest_port.error());
    }
    MeasuredPort port(**rest_port, clock, logger, telemetry.metrics);
    TellingPort telling_port(port, **runner, clock, logger);
    LeaseNotes notes(lease_folder(parts) / options.id);
    auto settings = loop_settings(options, parts.settings);
    settings.notes = &notes;
    settings.crashes = mark.crashes();
    std::optional<EndLimit> limit;  // destroyed after the loop, whose end it watches
    WorkerLoop loop(telling_port, **runner, clock, logger, std::move(settings));
    const auto server = open_its_server(
        parts,
        {.loop = loop,
         .port = port,
         .metrics = telemetry.metrics,
         .plugins = telemetry.plugins,
         .clock = clock,
         .entropy = entropy,
         .logger = logger,
         .coordinator = parts.endpoint.url,
         .token = parts.endpoint.token,
         .address_file = parts.state / "address"}
    );
    if (!server) {
        return fail(server.error());
    }
    loop.start();
    say_working(options, parts, loop, server->get(), logger);
    const int signal = signals.wait();
    log(logger, LogLevel::info, "stopping", {{"signal", signal == SIGINT ? "INT" : "TERM"}});
    signals.let_through();
    limit.emplace(logger, clock, 2 * parts.settings.server.drain + kPluginPatience);
    wind_down(options, loop, parts.settings.server.drain, clock, logger);
    return {};
}

}  // namespace

int run_worker(const WorkerOptions& options) {
    const auto parts = prepare(options);
    if (!parts) {
        return parts.error();
    }
    const auto guard = LeaseGuard::start(
        lease_folder(*parts),
        {{options.runner, {parts->plugin, parts->state / options.runner}}},
        parts->settings.log
    );
    if (!guard) {
        fmt::print(stderr, "opslab: {}\n", guard.error().message);
        return kCannotWork;
    }
    const StopSignals signals;
    SystemClock clock;
    const auto& settings = parts->settings;
    const auto logger = make_service_log(
        settings.log.format == config::LogFormat::json ? ServiceLogFormat::json
                                                       : ServiceLogFormat::human,
        settings.log.level,
        clock
    );
    if (parts->token_is_public) {
        log(*logger,
            LogLevel::warning,
            "any user of this machine can read the token file",
            {{"file", options.token_file}});
    }
    try {
        if (const auto worked = work(options, *parts, signals, clock, *logger); !worked) {
            log(*logger,
                LogLevel::critical,
                "cannot work",
                {{"error", worked.error().message}, {"detail", worked.error().detail}});
            return kCannotWork;
        }
    } catch (const std::exception& thrown) {
        log(*logger, LogLevel::critical, "stopped by a defect", {{"error", thrown.what()}});
        return kCannotWork;
    }
    log(*logger, LogLevel::info, "stopped");
    return 0;
}

}  // namespace opslab::daemon
