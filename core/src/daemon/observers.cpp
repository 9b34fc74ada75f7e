#include "daemon/observers.hpp"

#include <exception>

namespace opslab {

void PluginMetrics::observe(
    std::string_view plugin, std::string_view call, Duration took, bool ok
) noexcept {
    try {
        metrics_.plugin_call(plugin, call, took, ok);
    } catch (const std::exception&) {
        // a metric that cannot be kept must not end the call that it measures
    }
}

void RequestLog::done(const RequestRecord& record) noexcept {
    try {
        metrics_.request(record.method, record.pattern, record.status, record.duration);
        log(logger_,
            record.status >= 500 ? LogLevel::error : LogLevel::debug,
            "request",
            {{"method", std::string(record.method)},
             {"route", std::string(record.pattern)},
             {"status", std::to_string(record.status)},
             {"micros", std::to_string(record.duration.count())},
             {"request", std::string(record.request_id)},
             {"from", std::string(record.remote_address)}});
    } catch (const std::exception&) {
        // as above
    }
}

Result<std::string> MetricsPage::metrics_text() {
    // With the storage away the counters are still told; the gauges keep their last values.
    if (const auto counts = storage_.tasks().counts()) {
        metrics_.set_queue("pending", counts->tasks.pending);
        metrics_.set_queue("running", counts->tasks.running);
        metrics_.set_queue("completed", counts->tasks.completed);
        metrics_.set_queue("failed", counts->tasks.failed);
        metrics_.set_queue("timeout", counts->tasks.timeout);
        metrics_.set_queue("cancelled", counts->tasks.cancelled);
        metrics_.set_workers("idle", counts->workers_idle);
        metrics_.set_workers("busy", counts->workers_busy);
        metrics_.set_workers("offline", counts->workers_offline);
    }
    if (const auto* server = server_.load()) {
        const auto load = server->load();
        metrics_.set_http_load(load.requests, load.streams, load.queued);
    }
    return metrics_.text();
}

}  // namespace opslab
