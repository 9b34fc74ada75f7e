#pragma once

#include <opslab/time.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace opslab {

/// What a metrics page is of: it decides which series are there from the start.
enum class MetricsOf : std::uint8_t { coordinator, worker };

/// The metrics of a coordinator or a worker (prometheus-cpp core behind it). Label values come from
/// closed sets (route patterns, statuses, verbs, plugin names): no task, worker or path of a
/// client's becomes one. Threads: all calls from any thread.
class Metrics {
public:
    Metrics(std::string_view version, Timestamp started, MetricsOf of = MetricsOf::coordinator);
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    void request(std::string_view method, std::string_view endpoint, int status, Duration took);
    void plugin_call(std::string_view plugin, std::string_view call, Duration took, bool ok);
    /// A call has not returned when it was due; later perhaps it does.
    void plugin_call_overdue(std::string_view plugin, std::string_view call);
    void overdue_call_returned();

    void statement(std::string_view name, Duration took, bool ok);

    void tasks_submitted(std::size_t count);
    void queue_wait(Duration waited);
    void attempt_ended(std::string_view status, Duration ran);
    void phase(std::string_view phase, Duration took);
    void swept(std::size_t timed_out, std::size_t lost, std::size_t offline);
    void committed(std::string_view verb, std::size_t size);
    void retried();
    void stale_writes(std::string_view verb, std::size_t count);
    void logged(std::string_view level);
    void bound_hit(std::string_view bound);
    void callback_tried(std::string_view outcome, Duration took);

    /// A worker's call to its coordinator; `outcome` is `ok`, `refused` or `away`.
    void coordinator_call(std::string_view call, std::string_view outcome, Duration took);
    /// A run of a worker whose end the coordinator took; `completed` or the failure's kind.
    void run_ended(std::string_view outcome);
    void set_slots(int busy, int free);
    void set_coordinator_up(bool up);

    void set_queue(std::string_view status, std::int64_t tasks);
    void set_workers(std::string_view status, std::int64_t workers);
    void set_storage_up(bool up);
    void set_process(std::uint64_t resident_bytes, std::uint64_t descriptors);
    void set_http_load(std::size_t requests, std::size_t streams, std::size_t queued);

    /// Prometheus text format, version 0.0.4.
    [[nodiscard]] std::string text() const;

private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace opslab
