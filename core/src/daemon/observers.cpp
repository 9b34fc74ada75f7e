#include "daemon/observers.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace opslab {

PluginMetrics::PluginMetrics(Metrics& metrics, Clock& clock, Logger& logger, Duration patience)
    : metrics_(metrics), watch_(clock, logger, *this, patience) {
    watch_.start();
}

void PluginMetrics::overdue(std::string_view plugin, std::string_view call) noexcept {
    try {
        metrics_.plugin_call_overdue(plugin, call);
    } catch (const std::exception&) {
        // as below
    }
}

void PluginMetrics::returned() noexcept {
    try {
        metrics_.overdue_call_returned();
    } catch (const std::exception&) {
        // as below
    }
}

std::vector<OverduePluginCall> PluginMetrics::overdue_calls() const {
    std::vector<OverduePluginCall> calls;
    for (auto& call : watch_.overdue()) {
        auto& shown = calls.emplace_back(OverduePluginCall{
            .plugin = call.plugin, .runner = call.runner, .call = call.call});
        shown.age = call.age;
        for (auto& [name, value] : call.scope) {
            if (name == "worker") {
                shown.worker_id = value;
            } else if (name == "task") {
                shown.task_id = value;
            }
        }
    }
    return calls;
}

void PluginMetrics::observe(
    std::string_view plugin, std::string_view call, Duration took, bool ok
) noexcept {
    try {
        metrics_.plugin_call(plugin, call, took, ok);
    } catch (const std::exception&) {
        // a metric that cannot be kept must not end the call that it measures
    }
}

void PluginMetrics::ran(std::string_view statement, Duration took, bool ok) noexcept {
    try {
        metrics_.statement(statement, took, ok);
    } catch (const std::exception&) {
        // as above
    }
}

namespace {

/// Which runner a line is about; empty where about none.
std::string runner_in(std::span<const LogField> fields) {
    const auto found = std::find_if(fields.begin(), fields.end(), [](const LogField& field) {
        return field.name == "runner";
    });
    return found == fields.end() ? std::string() : found->value;
}

}  // namespace

bool CountedLog::admit(const std::string& key, std::uint64_t& left_out) {
    constexpr std::size_t kMostMessages = 1024;
    const auto now = clock_.steady();
    const std::lock_guard lock(mutex_);
    auto found = seen_.find(key);
    if (found == seen_.end()) {
        if (seen_.size() >= kMostMessages) {
            return true;  // plugins' lines may be anything; they are not counted beyond
        }
        found = seen_.emplace(key, Seen{.window = now}).first;
    }
    auto& seen = found->second;
    if (now - seen.window >= kWindow) {
        left_out = seen.left_out;
        seen = Seen{.window = now};
    }
    if (seen.told >= kTold) {
        ++seen.left_out;
        return false;
    }
    ++seen.told;
    return true;
}

void CountedLog::log(
    LogLevel level, std::string_view message, std::span<const LogField> fields
) noexcept {
    try {
        metrics_.logged(to_string(level));
        std::uint64_t left_out = 0;
        const auto runner = runner_in(fields);
        if (level != LogLevel::debug && !admit(std::string(message) + '\0' + runner, left_out)) {
            return;
        }
        if (left_out > 0) {
            std::vector<LogField> told{
                {"of", std::string(message)}, {"count", std::to_string(left_out)}};
            if (!runner.empty()) {
                told.push_back({"runner", runner});
            }
            inner_.log(LogLevel::warning, "lines were left out", told);
        }
    } catch (const std::exception&) {
        // counting must not keep a line from being written
    }
    inner_.log(level, message, fields);
}

namespace {

/// The bound that a status tells of; empty where it tells of none.
std::string_view bound_of(int status) {
    switch (status) {
        case 413:
            return "request_body";
        case 414:
            return "request_url";
        case 431:
            return "request_headers";
        case 503:
            return "unavailable";
        default:
            return {};
    }
}

LogLevel level_of(int status) {
    if (status < 500) {
        return LogLevel::debug;
    }
    return status == 503 ? LogLevel::warning : LogLevel::error;
}

std::uint64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    file >> size >> resident;
    return file ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t open_descriptors() {
    std::error_code failed;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", failed), end; !failed && at != end;
         at.increment(failed)) {
        ++count;
    }
    return count;
}

}  // namespace

void RequestLog::done(const RequestRecord& record) noexcept {
    try {
        metrics_.request(record.method, record.pattern, record.status, record.duration);
        if (const auto bound = bound_of(record.status); !bound.empty()) {
            metrics_.bound_hit(bound);
        }
        log(logger_,
            level_of(record.status),
            "request",
            {{"method", std::string(record.method)},
             {"route", std::string(record.pattern)},
             {"status", std::to_string(record.status)},
             {"micros", std::to_string(record.duration.count())},
             {"request", std::string(record.request_id)},
             {"trace", std::string(record.trace)},
             {"from", std::string(record.remote_address)}});
    } catch (const std::exception&) {
        // as above
    }
}

void measure_process(Metrics& metrics) {
    metrics.set_process(resident_bytes(), open_descriptors());
}

Result<std::string> MetricsPage::metrics_text() {
    // With the storage away the counters are still told; the gauges keep their last values.
    const auto counts = storage_.tasks().counts();
    metrics_.set_storage_up(counts.has_value());
    measure_process(metrics_);
    if (counts) {
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
