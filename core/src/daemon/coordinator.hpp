#pragma once

#include "callback/callback_sender.hpp"
#include "config/settings.hpp"
#include "daemon/embedded_ids.hpp"
#include "daemon/embedded_pool.hpp"
#include "daemon/observers.hpp"
#include "daemon/peer_wakes.hpp"
#include "daemon/ready_plugins.hpp"
#include "daemon/run_mark.hpp"
#include "http/api.hpp"
#include "http/server.hpp"
#include "service/sweeper.hpp"
#include "service/task_check.hpp"
#include "service/task_service.hpp"
#include "service/worker_service.hpp"
#include "telemetry/metrics.hpp"

#include <opslab/error.hpp>
#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/storage.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace opslab::daemon {

/// The composition root: every part of a coordinator, in the order of who needs whom. C++ destroys
/// members in reverse, and that is the order of shutting down: the order below is load-bearing.
class Coordinator {
public:
    /// Listens, then opens everything: until then only `/live` says yes. A storage that does not
    /// answer is waited for; null where the process is asked to end meanwhile. Errors: the
    /// storage's, a runner's, the address taken.
    [[nodiscard]] static Result<std::unique_ptr<Coordinator>> start(
        const config::Settings& settings,
        const ReadyPlugins& plugins,
        Surroundings lent,
        const Pause& pause
    );
    Coordinator(const Coordinator&) = delete;
    Coordinator& operator=(const Coordinator&) = delete;
    ~Coordinator() = default;

    [[nodiscard]] std::string address() const { return entrance_.server->bound_address(); }

    /// Whether other coordinators may use the same database, and give away tasks that run here.
    [[nodiscard]] bool shares_its_storage() const { return embedded_ids_ != nullptr; }
    /// Where notes of the leases of its own workers are (worker/lease_notes.hpp).
    [[nodiscard]] static std::filesystem::path lease_folder(const config::Settings& settings);

    /// Takes no more tasks, lets requests and running tasks end within `drain_seconds`, then stops.
    /// Runs that are still there stay for the successor where their runner can; others are lost
    /// with the process and noticed by the successor.
    void drain();

private:
    /// The server, and what it answers before there is anything behind it.
    struct Entrance {
        DispatcherSettings access{};
        std::unique_ptr<Dispatcher> starting{};
        std::unique_ptr<HttpServer> server{};  // last: it uses the one above
    };
    [[nodiscard]] static Result<Entrance> listen(
        const config::Settings& settings, const Surroundings& surroundings
    );

    Coordinator(
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
    );
    [[nodiscard]] Status open_callbacks(const config::Settings& settings);
    void open_api(const config::Settings& settings);

    Surroundings surroundings_;
    RunMark run_mark_;
    std::chrono::seconds drain_;
    std::unique_ptr<Metrics> metrics_;
    std::unique_ptr<CountedLog> counted_log_;  // what `surroundings_.logger` is
    std::unique_ptr<PluginMetrics> plugin_metrics_;
    ServiceMetrics service_metrics_;
    CallbackMetrics callback_metrics_;
    RequestLog request_log_;
    std::unique_ptr<Storage> storage_;
    std::map<std::string, std::unique_ptr<Runner>> runners_;
    ChangeHub hub_;
    PeerWakes peer_wakes_;
    std::unique_ptr<EmbeddedIds> embedded_ids_;
    std::unique_ptr<CallbackSender> callbacks_;
    ChangeHub::Subscription callback_due_;
    TaskService tasks_;
    WorkerService workers_;
    Sweeper sweeper_;
    EmbeddedPool pool_;
    TaskCheck task_check_;
    KnownProblems known_problems_;
    MetricsPage metrics_page_;
    std::unique_ptr<Dispatcher> dispatcher_;
    Entrance entrance_;
};

}  // namespace opslab::daemon
