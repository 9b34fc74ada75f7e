#include "telemetry/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace opslab {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

const Buckets& call_buckets() {
    static const Buckets kBuckets{
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    return kBuckets;
}

const Buckets& run_buckets() {
    static const Buckets kBuckets{0.01, 0.1, 0.5, 1, 5, 15, 60, 180, 600, 1800, 3600, 10800};
    return kBuckets;
}

const Buckets& batch_buckets() {
    static const Buckets kBuckets{1, 2, 4, 8, 16, 32, 64, 128, 256};
    return kBuckets;
}

}  // namespace

struct Metrics::Families {
    Family<Counter>& add(
        prometheus::detail::Builder<Counter> builder, const char* name, const char* help
    ) {
        return builder.Name(name).Help(help).Register(registry);
    }
    Family<Gauge>& add(
        prometheus::detail::Builder<Gauge> builder, const char* name, const char* help
    ) {
        return builder.Name(name).Help(help).Register(registry);
    }
    Family<Histogram>& add(
        prometheus::detail::Builder<Histogram> builder, const char* name, const char* help
    ) {
        return builder.Name(name).Help(help).Register(registry);
    }

    prometheus::Registry registry;
    Family<Counter>& requests = add(
        BuildCounter(), "http_requests_total", "HTTP requests by method, route pattern and status"
    );
    Family<Histogram>& request_seconds =
        add(BuildHistogram(),
            "http_request_duration_seconds",
            "Time from a request's end to its answer, by method and route pattern");
    Family<Gauge>& queue = add(BuildGauge(), "task_queue_size", "Tasks by status");
    Family<Gauge>& workers = add(BuildGauge(), "worker_count", "Workers by status");
    Family<Gauge>& load =
        add(BuildGauge(), "opslab_http_load", "Requests under way, streams, requests queued");
    Family<Counter>& submitted =
        add(BuildCounter(), "opslab_tasks_submitted_total", "Tasks accepted");
    Family<Histogram>& queue_wait =
        add(BuildHistogram(), "task_queue_wait_seconds", "Creation of a task to its first claim");
    Family<Histogram>& durations =
        add(BuildHistogram(), "task_duration_seconds", "Start to end of attempts, by how they ended"
        );
    Family<Histogram>& phases = add(BuildHistogram(), "runner_phase_seconds", "Phases of runs");
    Family<Counter>& swept =
        add(BuildCounter(), "opslab_swept_total", "What the sweep ended, by what it was");
    Family<Histogram>& batches =
        add(BuildHistogram(), "opslab_commit_batch_size", "Requests in one transaction, by verb");
    Family<Counter>& bounds =
        add(BuildCounter(), "opslab_bound_hits_total", "Requests refused by a limit of ours");
    Family<Counter>& callbacks = add(
        BuildCounter(), "opslab_callbacks_total", "Tries of completion callbacks, by their outcome"
    );
    Family<Histogram>& callback_seconds =
        add(BuildHistogram(), "opslab_callback_seconds", "Time of one try of a callback");
    Family<Histogram>& plugin_seconds =
        add(BuildHistogram(), "opslab_plugin_call_seconds", "Calls into plugins");
    Family<Histogram>& statement_seconds =
        add(BuildHistogram(), "opslab_sql_seconds", "Statements that the storage ran, by name");
    Family<Counter>& statement_failures =
        add(BuildCounter(), "opslab_sql_failures_total", "Statements that failed, by name");
    Family<Histogram>& claim_seconds = add(
        BuildHistogram(), "task_claim_duration_seconds", "Time that the storage takes for a claim"
    );
    Family<Counter>& plugin_failures =
        add(BuildCounter(), "opslab_plugin_call_failures_total", "Calls into plugins that failed");
    Family<Counter>& overdue_total =
        add(BuildCounter(),
            "opslab_plugin_overdue_calls_total",
            "Calls into plugins that did not return when they were due");
    Family<Gauge>& overdue =
        add(BuildGauge(),
            "opslab_plugin_calls_overdue",
            "Calls into plugins that should have returned and have not");
    Family<Counter>& retries =
        add(BuildCounter(), "opslab_retries_total", "Attempts that made their task pending again");
    Family<Counter>& stale =
        add(BuildCounter(),
            "opslab_stale_writes_total",
            "Writes of workers that had lost their lease, by verb");
    Family<Counter>& logged =
        add(BuildCounter(), "opslab_log_events_total", "Lines of the service's own log, by level");
    Family<Counter>& coordinator_calls =
        add(BuildCounter(),
            "opslab_worker_coordinator_calls_total",
            "A worker's calls to its coordinator, by call and outcome");
    Family<Histogram>& coordinator_seconds =
        add(BuildHistogram(),
            "opslab_worker_coordinator_call_seconds",
            "Time of a worker's calls to its coordinator; a claim waits for work");
    Family<Counter>& runs =
        add(BuildCounter(), "opslab_worker_runs_total", "Runs that a worker ended, by their outcome"
        );
    Family<Gauge>& slots =
        add(BuildGauge(), "opslab_worker_slots", "Slots of a worker, busy and free");
    Family<Gauge>& coordinator_up =
        add(BuildGauge(),
            "opslab_worker_coordinator_up",
            "1 where the coordinator answered the worker's last call");
    Family<Gauge>& storage_up =
        add(BuildGauge(), "opslab_storage_up", "1 where the storage answered this scrape");
    Family<Gauge>& build = add(BuildGauge(), "opslab_build_info", "1, labelled with the version");
    Family<Gauge>& memory =
        add(BuildGauge(), "process_resident_memory_bytes", "Resident memory of this process");
    Family<Gauge>& descriptors =
        add(BuildGauge(), "process_open_fds", "Open file descriptors of this process");
    Family<Gauge>& born = add(
        BuildGauge(), "process_start_time_seconds", "Start of this process, Unix time in seconds"
    );

    void begin_coordinator();
    void begin_worker();
};

// What alerts count is there from the start: a rate over a series that appears with its first
// event misses that event.
Metrics::Metrics(std::string_view version, Timestamp started, MetricsOf of)
    : families_(std::make_unique<Families>()) {
    auto& f = *families_;
    f.build.Add({{"version", std::string(version)}}).Set(1);
    f.born.Add({}).Set(seconds(started.time_since_epoch()));
    f.overdue.Add({});
    for (const char* level : {"debug", "info", "warning", "error", "critical"}) {
        f.logged.Add({{"level", level}});
    }
    for (const char* bound : {"request_body", "request_url", "request_headers", "unavailable"}) {
        f.bounds.Add({{"bound", bound}});
    }
    if (of == MetricsOf::coordinator) {
        f.begin_coordinator();
    } else {
        f.begin_worker();
    }
}

void Metrics::Families::begin_coordinator() {
    submitted.Add({});
    retries.Add({});
    queue_wait.Add({}, run_buckets());
    claim_seconds.Add({}, call_buckets());
    for (const char* what : {"timed_out", "lost", "worker_offline"}) {
        swept.Add({{"what", what}});
    }
    for (const char* status : {"completed", "failed", "timeout", "cancelled", "pending"}) {
        durations.Add({{"status", status}}, run_buckets());
    }
    for (const char* verb : {"record", "finish"}) {
        stale.Add({{"verb", verb}});
    }
    bounds.Add({{"bound", "waiting_claims"}});
}

void Metrics::Families::begin_worker() {
    for (const char* outcome : {"ok", "refused", "away"}) {
        coordinator_calls.Add({{"call", "heartbeat"}, {"outcome", outcome}});
    }
    for (const char* outcome : {"completed", "task", "infrastructure", "worker_lost"}) {
        runs.Add({{"outcome", outcome}});
    }
    coordinator_up.Add({});
}

Metrics::~Metrics() = default;

void Metrics::request(
    std::string_view method, std::string_view endpoint, int status, Duration took
) {
    const std::string verb(method);
    const std::string path(endpoint);
    families_->requests
        .Add({{"method", verb}, {"endpoint", path}, {"status", std::to_string(status)}})
        .Increment();
    families_->request_seconds.Add({{"method", verb}, {"endpoint", path}}, call_buckets())
        .Observe(seconds(took));
}

void Metrics::plugin_call(std::string_view plugin, std::string_view call, Duration took, bool ok) {
    const std::map<std::string, std::string> labels{
        {"plugin", std::string(plugin)}, {"call", std::string(call)}};
    families_->plugin_seconds.Add(labels, call_buckets()).Observe(seconds(took));
    if (call == "runs.claim") {
        families_->claim_seconds.Add({}, call_buckets()).Observe(seconds(took));
    }
    if (!ok) {
        families_->plugin_failures.Add(labels).Increment();
    }
}

void Metrics::plugin_call_overdue(std::string_view plugin, std::string_view call) {
    const std::map<std::string, std::string> labels{
        {"plugin", std::string(plugin)}, {"call", std::string(call)}};
    families_->overdue_total.Add(labels).Increment();
    families_->overdue.Add({}).Increment();
}

void Metrics::overdue_call_returned() {
    families_->overdue.Add({}).Decrement();
}

void Metrics::statement(std::string_view name, Duration took, bool ok) {
    const std::map<std::string, std::string> labels{{"statement", std::string(name)}};
    families_->statement_seconds.Add(labels, call_buckets()).Observe(seconds(took));
    if (!ok) {
        families_->statement_failures.Add(labels).Increment();
    }
}

void Metrics::tasks_submitted(std::size_t count) {
    families_->submitted.Add({}).Increment(static_cast<double>(count));
}

void Metrics::queue_wait(Duration waited) {
    families_->queue_wait.Add({}, run_buckets()).Observe(seconds(waited));
}

void Metrics::attempt_ended(std::string_view status, Duration ran) {
    families_->durations.Add({{"status", std::string(status)}}, run_buckets())
        .Observe(seconds(ran));
}

void Metrics::phase(std::string_view phase, Duration took) {
    families_->phases.Add({{"phase", std::string(phase)}}, run_buckets()).Observe(seconds(took));
}

void Metrics::swept(std::size_t timed_out, std::size_t lost, std::size_t offline) {
    families_->swept.Add({{"what", "timed_out"}}).Increment(static_cast<double>(timed_out));
    families_->swept.Add({{"what", "lost"}}).Increment(static_cast<double>(lost));
    families_->swept.Add({{"what", "worker_offline"}}).Increment(static_cast<double>(offline));
}

void Metrics::committed(std::string_view verb, std::size_t size) {
    families_->batches.Add({{"verb", std::string(verb)}}, batch_buckets())
        .Observe(static_cast<double>(size));
}

void Metrics::bound_hit(std::string_view bound) {
    families_->bounds.Add({{"bound", std::string(bound)}}).Increment();
}

void Metrics::callback_tried(std::string_view outcome, Duration took) {
    families_->callbacks.Add({{"outcome", std::string(outcome)}}).Increment();
    families_->callback_seconds.Add({}, call_buckets()).Observe(seconds(took));
}

void Metrics::retried() {
    families_->retries.Add({}).Increment();
}

void Metrics::stale_writes(std::string_view verb, std::size_t count) {
    families_->stale.Add({{"verb", std::string(verb)}}).Increment(static_cast<double>(count));
}

void Metrics::logged(std::string_view level) {
    families_->logged.Add({{"level", std::string(level)}}).Increment();
}

void Metrics::coordinator_call(std::string_view call, std::string_view outcome, Duration took) {
    const std::string name(call);
    families_->coordinator_calls.Add({{"call", name}, {"outcome", std::string(outcome)}}
    ).Increment();
    families_->coordinator_seconds.Add({{"call", name}}, run_buckets()).Observe(seconds(took));
}

void Metrics::run_ended(std::string_view outcome) {
    families_->runs.Add({{"outcome", std::string(outcome)}}).Increment();
}

void Metrics::set_slots(int busy, int free) {
    families_->slots.Add({{"state", "busy"}}).Set(busy);
    families_->slots.Add({{"state", "free"}}).Set(free);
}

void Metrics::set_coordinator_up(bool up) {
    families_->coordinator_up.Add({}).Set(up ? 1 : 0);
}

void Metrics::set_storage_up(bool up) {
    families_->storage_up.Add({}).Set(up ? 1 : 0);
}

void Metrics::set_process(std::uint64_t resident_bytes, std::uint64_t descriptors) {
    families_->memory.Add({}).Set(static_cast<double>(resident_bytes));
    families_->descriptors.Add({}).Set(static_cast<double>(descriptors));
}

void Metrics::set_queue(std::string_view status, std::int64_t tasks) {
    families_->queue.Add({{"status", std::string(status)}}).Set(static_cast<double>(tasks));
}

void Metrics::set_workers(std::string_view status, std::int64_t workers) {
    families_->workers.Add({{"status", std::string(status)}}).Set(static_cast<double>(workers));
}

void Metrics::set_http_load(std::size_t requests, std::size_t streams, std::size_t queued) {
    families_->load.Add({{"what", "requests"}}).Set(static_cast<double>(requests));
    families_->load.Add({{"what", "streams"}}).Set(static_cast<double>(streams));
    families_->load.Add({{"what", "queued"}}).Set(static_cast<double>(queued));
}

std::string Metrics::text() const {
    return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace opslab
