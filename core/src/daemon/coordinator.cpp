#include "daemon/coordinator.hpp"

#include "callback/curl_poster.hpp"
#include "callback/secret_file.hpp"
#include "http/starting_api.hpp"
#include "plugin/runner_calls.hpp"
#include "remote/token_file.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

namespace opslab::daemon {

namespace {

RetryPolicy retry_policy(const config::Settings& settings) {
    return {.base = settings.tasks.retry_base, .max = settings.tasks.retry_max};
}

EmbeddedPool::Settings pool_settings(
    const config::Settings& settings, EmbeddedIds* ids, const PluginCrashes& crashes
) {
    EmbeddedPool::Settings pool;
    pool.crashes = crashes;
    if (ids != nullptr) {
        pool.take_id = [ids](const NewWorker& worker) { return ids->take(worker); };
        pool.metadata_json = ids->metadata_json();
        pool.lease = settings.heartbeat.timeout;
        pool.leases = Coordinator::lease_folder(settings);
    }
    pool.heartbeat_interval = settings.heartbeat.interval;
    pool.stop_wait = settings.server.drain;
    for (const auto& worker : settings.workers) {
        const auto* const runner = settings.find_runner(worker.runner);
        pool.groups.push_back(
            {.runner = worker.runner,
             .runner_label = plugin::runner_label(
                 worker.runner, runner == nullptr ? worker.runner : runner->plugin.plugin
             ),
             .count = worker.count,
             .slots = worker.max_parallel_tasks,
             .supported_problems = worker.supported_problems,
             .stop_grace = worker.stop_grace,
             .max_log_bytes = worker.max_log_bytes}
        );
    }
    return pool;
}

std::map<std::string, Runner*> views(const std::map<std::string, std::unique_ptr<Runner>>& runners
) {
    std::map<std::string, Runner*> views;
    for (const auto& [name, runner] : runners) {
        views.emplace(name, runner.get());
    }
    return views;
}

std::map<std::string, TaskCheck::Asked> asked_runners(
    const std::map<std::string, std::unique_ptr<Runner>>& runners, const config::Settings& settings
) {
    std::map<std::string, TaskCheck::Asked> asked;
    for (const auto& [name, runner] : runners) {
        const bool has_workers = std::any_of(
            settings.workers.begin(),
            settings.workers.end(),
            [&name = name](const auto& worker) { return worker.runner == name && worker.count > 0; }
        );
        asked.emplace(name, TaskCheck::Asked{runner.get(), has_workers});
    }
    return asked;
}

/// The bearer token in `file`. Empty without a file.
Result<std::string> read_token(const std::optional<std::string>& file, Logger& logger) {
    if (!file) {
        return std::string();
    }
    auto token = read_token_file(*file);
    if (!token) {
        return fail(within("server.token_file", std::move(token.error())));
    }
    if (token->others_can_read) {
        log(logger,
            LogLevel::warning,
            "any user of this machine can read server.token_file",
            {{"file", *file}});
    }
    return std::move(token->token);
}

ServerSettings server_settings(const config::ServerSettings& from) {
    ServerSettings server;
    server.address = from.listen.host;
    server.port = from.listen.port;
    server.max_body = static_cast<std::size_t>(from.max_body_bytes);
    server.max_connections = static_cast<std::size_t>(from.max_connections);
    server.max_streams = static_cast<std::size_t>(from.max_streams);
    server.write_timeout = from.slow_client;
    server.executor_threads = static_cast<std::size_t>(from.threads);
    return server;
}

}  // namespace

Coordinator::Coordinator(
    const config::Settings& settings,
    Surroundings surroundings,
    RunMark run_mark,
    std::unique_ptr<Metrics> metrics,
    std::unique_ptr<CountedLog> counted_log,
    std::unique_ptr<PluginMetrics> plugin_metrics,
    std::unique_ptr<Storage> storage,
    std::map<std::string, std::unique_ptr<Runner>> runners,
    std::unique_ptr<EmbeddedIds> embedded_ids,
    Entrance entrance
)
    : surroundings_(surroundings),
      run_mark_(std::move(run_mark)),
      drain_(settings.server.drain),
      metrics_(std::move(metrics)),
      counted_log_(std::move(counted_log)),
      plugin_metrics_(std::move(plugin_metrics)),
      service_metrics_(*metrics_),
      callback_metrics_(*metrics_),
      request_log_(*metrics_, surroundings.logger),
      storage_(std::move(storage)),
      runners_(std::move(runners)),
      peer_wakes_(*storage_, hub_),
      embedded_ids_(std::move(embedded_ids)),
      tasks_(*storage_, surroundings.clock, surroundings.entropy, hub_, service_metrics_),
      workers_(
          *storage_,
          surroundings.clock,
          surroundings.entropy,
          hub_,
          service_metrics_,
          {.lease = settings.heartbeat.timeout,
           .retry = retry_policy(settings),
           .claim_poll = settings.tasks.poll_interval}
      ),
      sweeper_(
          *storage_,
          surroundings.clock,
          surroundings.logger,
          hub_,
          service_metrics_,
          [this](Timestamp when) { workers_.desk().look_again_at(when); },
          {.interval = settings.sweep_interval,
           .heartbeat_timeout = settings.heartbeat.timeout,
           .worker_retention = settings.worker_retention,
           .retry = retry_policy(settings)}
      ),
      pool_(
          workers_,
          views(runners_),
          surroundings.clock,
          surroundings.logger,
          pool_settings(settings, embedded_ids_.get(), run_mark_.crashes())
      ),
      task_check_(
          asked_runners(runners_, settings),
          storage_->workers(),
          surroundings.clock,
          surroundings.logger
      ),
      known_problems_(storage_->workers(), hub_, surroundings.clock, surroundings.logger),
      metrics_page_(*metrics_, *storage_),
      entrance_(std::move(entrance)) {}

std::filesystem::path Coordinator::lease_folder(const config::Settings& settings) {
    return std::filesystem::path(settings.state_path) / "leases";
}

Result<std::unique_ptr<Coordinator>> Coordinator::start(
    const config::Settings& settings,
    const ReadyPlugins& plugins,
    Surroundings lent,
    const Pause& pause
) {
    auto metrics = std::make_unique<Metrics>(OPSLAB_VERSION, lent.clock.now());
    auto counted_log = std::make_unique<CountedLog>(lent.logger, lent.clock, *metrics);
    const Surroundings surroundings{lent.clock, lent.entropy, *counted_log};
    auto run_mark = RunMark::leave(settings.state_path);
    run_mark.tell_of_killed("coordinator", surroundings.logger);
    auto plugin_metrics = std::make_unique<PluginMetrics>(
        *metrics, surroundings.clock, surroundings.logger, settings.plugin_patience
    );
    auto entrance = listen(settings, surroundings);
    if (!entrance) {
        return fail(std::move(entrance.error()));
    }
    auto storage = open_storage(plugins, surroundings, *plugin_metrics, pause);
    if (!storage) {
        return fail(std::move(storage.error()));
    }
    if (*storage == nullptr) {
        return nullptr;
    }
    auto runners = open_runners(settings, plugins, surroundings, *plugin_metrics);
    if (!runners) {
        return fail(std::move(runners.error()));
    }
    std::unique_ptr<EmbeddedIds> embedded_ids;
    if ((*storage)->wake_source() != nullptr) {  // others may share the database
        auto opened = EmbeddedIds::open(
            settings.state_path, (*storage)->workers(), surroundings.clock, surroundings.entropy
        );
        if (!opened) {
            return fail(std::move(opened.error()));
        }
        embedded_ids = std::move(*opened);
    }
    std::unique_ptr<Coordinator> coordinator(new Coordinator(
        settings,
        surroundings,
        std::move(run_mark),
        std::move(metrics),
        std::move(counted_log),
        std::move(plugin_metrics),
        std::move(*storage),
        std::move(*runners),
        std::move(embedded_ids),
        std::move(*entrance)
    ));
    if (auto opened = coordinator->open_callbacks(settings); !opened) {
        return fail(std::move(opened.error()));
    }
    coordinator->open_api(settings);
    coordinator->sweeper_.start();
    coordinator->callbacks_->start();
    if (auto started = coordinator->pool_.start(); !started) {
        return fail(std::move(started.error()));
    }
    return coordinator;
}

Status Coordinator::open_callbacks(const config::Settings& settings) {
    const auto& from = settings.callbacks;
    CallbackSettings callbacks{
        .plan =
            {.max_attempts = from.max_attempts,
             .retry = {.base = from.retry_base, .max = from.retry_max}},
        .message = {.version = OPSLAB_VERSION, .secret = {}},
        .max_in_flight = from.max_in_flight,
        .timeout = from.timeout,
        .poll = settings.tasks.poll_interval,
    };
    if (from.secret_file) {
        auto secret = read_secret_file(*from.secret_file);
        if (!secret) {
            return fail(std::move(secret.error()));
        }
        callbacks.message.secret = std::move(*secret);
    }
    auto poster = make_curl_poster({.allow_private = from.allow_private, .timeout = from.timeout});
    if (!poster) {
        return fail(std::move(poster.error()));
    }
    callbacks_ = std::make_unique<CallbackSender>(
        *storage_,
        std::move(*poster),
        surroundings_.clock,
        surroundings_.entropy,
        surroundings_.logger,
        callback_metrics_,
        std::move(callbacks)
    );
    callback_due_ = hub_.on_callback_due([this] { callbacks_->wake(); });
    return {};
}

Result<Coordinator::Entrance> Coordinator::listen(
    const config::Settings& settings, const Surroundings& surroundings
) {
    auto token = read_token(settings.server.token_file, surroundings.logger);
    if (!token) {
        return fail(std::move(token.error()));
    }
    Entrance entrance;
    entrance.access = {
        .bearer_token = *token,
        .hosts = token->empty() && !settings.server.allow_unauthenticated ? HostRule::local
                                                                          : HostRule::any};
    auto starting = entrance.access;
    starting.unmatched = starting_error();
    entrance.starting = std::make_unique<Dispatcher>(
        make_starting_api(),
        std::move(starting),
        surroundings.clock,
        surroundings.entropy,
        surroundings.logger,
        nullptr
    );
    auto server = HttpServer::start(
        server_settings(settings.server),
        *entrance.starting,
        surroundings.clock,
        surroundings.logger
    );
    if (!server) {
        return fail(std::move(server.error()));
    }
    entrance.server = std::move(*server);
    return entrance;
}

void Coordinator::open_api(const config::Settings& settings) {
    const ApiParts parts{
        .tasks = tasks_,
        .check = task_check_,
        .problems = known_problems_,
        .workers = workers_,
        .embedded = pool_,
        .metrics = metrics_page_,
        .storage = *storage_,
        .clock = surroundings_.clock,
        .logger = surroundings_.logger,
        .defaults = {.max_retries = settings.tasks.default_max_retries},
        .strict_problems = settings.tasks.strict_problems,
        .version = OPSLAB_VERSION,
        .overdue_calls = [this] { return plugin_metrics_->overdue_calls(); },
    };
    dispatcher_ = std::make_unique<Dispatcher>(
        make_api(parts),
        entrance_.access,
        surroundings_.clock,
        surroundings_.entropy,
        surroundings_.logger,
        &request_log_
    );
    metrics_page_.watch(entrance_.server.get());
    entrance_.server->hand_over(*dispatcher_);
}

void Coordinator::drain() {
    const auto deadline = surroundings_.clock.steady() + drain_;
    workers_.desk().close();  // nobody waits in a long poll any more
    pool_.drain(deadline);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - surroundings_.clock.steady()
    );
    metrics_page_.watch(nullptr);
    entrance_.server->stop(std::max(left, std::chrono::milliseconds{1000}));
    sweeper_.stop();
    callbacks_->stop();
}

}  // namespace opslab::daemon
