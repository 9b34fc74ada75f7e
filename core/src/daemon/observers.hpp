#pragma once

#include "callback/callback_sender.hpp"
#include "http/dispatcher.hpp"
#include "http/metrics_text.hpp"
#include "http/overdue_calls.hpp"
#include "http/server.hpp"
#include "plugin/call_observer.hpp"
#include "plugin/call_watch.hpp"
#include "service/observer.hpp"
#include "telemetry/metrics.hpp"

#include <opslab/logger.hpp>
#include <opslab/storage.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// Where what the areas tell becomes metrics and log lines.
namespace opslab {

class ServiceMetrics final : public ServiceObserver {
public:
    explicit ServiceMetrics(Metrics& metrics) : metrics_(metrics) {}

    void tasks_submitted(std::size_t count) override { metrics_.tasks_submitted(count); }
    void task_claimed(Duration waited) override { metrics_.queue_wait(waited); }
    void attempt_ended(TaskStatus status, Duration ran) override {
        metrics_.attempt_ended(to_string(status), ran);
        if (status == TaskStatus::pending) {
            metrics_.retried();
        }
    }
    void swept(std::size_t timed_out, std::size_t lost, std::size_t offline) override {
        metrics_.swept(timed_out, lost, offline);
    }
    void phase_ended(std::string_view phase, Duration took) override {
        metrics_.phase(phase, took);
    }
    void committed(std::string_view verb, std::size_t size) override {
        metrics_.committed(verb, size);
    }
    void stale_writes(std::string_view verb, std::size_t count) override {
        metrics_.stale_writes(verb, count);
    }
    void bound_hit(std::string_view bound) override { metrics_.bound_hit(bound); }

private:
    Metrics& metrics_;
};

/// Of plugins: calls into them, also while they are under way, and the statements that a storage
/// runs.
class PluginMetrics final : public plugin::CallObserver,
                            public StatementObserver,
                            private plugin::OverdueListener {
public:
    /// `patience` as for `plugin::CallWatch`, which begins to look at once.
    PluginMetrics(Metrics& metrics, Clock& clock, Logger& logger, Duration patience);

    void ran(std::string_view statement, Duration took, bool ok) noexcept override;

    void observe(
        std::string_view plugin, std::string_view call, Duration took, bool ok
    ) noexcept override;

    [[nodiscard]] plugin::CallWatch* watch() noexcept override { return &watch_; }
    /// For health answers.
    [[nodiscard]] std::vector<OverduePluginCall> overdue_calls() const;

private:
    void overdue(std::string_view plugin, std::string_view call) noexcept override;
    void returned() noexcept override;

    Metrics& metrics_;
    plugin::CallWatch watch_;  // last: its thread tells the above
};

class CallbackMetrics final : public CallbackObserver {
public:
    explicit CallbackMetrics(Metrics& metrics) : metrics_(metrics) {}

    void delivery_tried(std::string_view outcome, Duration took) override {
        metrics_.callback_tried(outcome, took);
    }

private:
    Metrics& metrics_;
};

/// The service's log on its way out: every line is counted by its level, and a message that comes
/// again and again is said `kTold` times in each `kWindow` and then counted: the count is said with
/// the next line of that message after the window. One that is about a runner is counted for each
/// runner, so that a plugin that floods the log silences no other. Debug lines pass: who asks for
/// them wants all.
class CountedLog final : public Logger {
public:
    static constexpr std::uint64_t kTold = 100;
    static constexpr Duration kWindow = std::chrono::seconds{10};

    CountedLog(Logger& inner, Clock& clock, Metrics& metrics)
        : inner_(inner), clock_(clock), metrics_(metrics) {}

    void log(
        LogLevel level, std::string_view message, std::span<const LogField> fields
    ) noexcept override;

private:
    struct Seen {
        SteadyTime window{};
        std::uint64_t told = 0;
        std::uint64_t left_out = 0;
    };
    /// Whether the line is written; `left_out` is how many were not, in the window before.
    bool admit(const std::string& key, std::uint64_t& left_out);

    Logger& inner_;
    Clock& clock_;
    Metrics& metrics_;
    std::mutex mutex_;
    std::map<std::string, Seen, std::less<>> seen_;  // messages and runners: few
};

class RequestLog final : public RequestObserver {
public:
    RequestLog(Metrics& metrics, Logger& logger) : metrics_(metrics), logger_(logger) {}

    void done(const RequestRecord& record) noexcept override;

private:
    Metrics& metrics_;
    Logger& logger_;
};

/// Sets the gauges of this process: memory and open files, as they are now.
void measure_process(Metrics& metrics);

/// `GET /metrics`: the counters, and gauges read at the moment of asking.
class MetricsPage final : public MetricsText {
public:
    MetricsPage(Metrics& metrics, Storage& storage) : metrics_(metrics), storage_(storage) {}

    /// The server that comes later; null: none.
    void watch(const HttpServer* server) { server_ = server; }

    [[nodiscard]] Result<std::string> metrics_text() override;

private:
    Metrics& metrics_;
    Storage& storage_;
    std::atomic<const HttpServer*> server_{nullptr};
};

}  // namespace opslab
