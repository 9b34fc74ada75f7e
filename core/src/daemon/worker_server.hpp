#pragma once

#include "config/settings.hpp"
#include "daemon/measured_port.hpp"
#include "daemon/observers.hpp"
#include "http/dispatcher.hpp"
#include "http/server.hpp"
#include "http/worker_api.hpp"
#include "telemetry/metrics.hpp"
#include "worker/worker_loop.hpp"

#include <opslab/error.hpp>
#include <opslab/logger.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace opslab::daemon {

/// A worker's own port: `/health`, `/live`, `/ready` and `/metrics`. What it is given outlives it.
class WorkerServer final : private WorkerVitalsSource, private MetricsText {
public:
    struct Parts {
        const WorkerLoop& loop;
        const MeasuredPort& port;
        Metrics& metrics;
        const PluginMetrics& plugins;
        Clock& clock;
        Entropy& entropy;
        Logger& logger;
        std::string coordinator{};  ///< its URL
        std::string token{};        ///< asked for on `/health` and `/metrics`; empty: not at all
        std::filesystem::path address_file{};  ///< gets `http://ADDRESS`, for scripts
    };

    /// Listens, and writes where into the file (gone again with this). `unavailable` where the
    /// address is taken.
    [[nodiscard]] static Result<std::unique_ptr<WorkerServer>> start(
        const config::ListenAddress& listen, const Parts& parts
    );
    ~WorkerServer() override;

    /// `127.0.0.1:43211`
    [[nodiscard]] std::string address() const { return server_->bound_address(); }

private:
    WorkerServer(const Parts& parts, HostRule hosts);
    [[nodiscard]] WorkerVitals vitals() const override;
    [[nodiscard]] Result<std::string> metrics_text() override;

    Parts parts_;
    RequestLog request_log_;
    std::unique_ptr<Dispatcher> dispatcher_;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace opslab::daemon
