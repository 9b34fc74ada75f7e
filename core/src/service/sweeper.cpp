#include "service/sweeper.hpp"

#include <utility>

namespace opslab {

namespace {

/// From the start of the attempt that ended last; a retried task has no start any more.
Duration ran(const Task& task) {
    return task.started_at ? task.completed_at.value_or(task.updated_at) - *task.started_at
                           : Duration{0};
}

}  // namespace

Sweeper::Sweeper(
    Storage& storage,
    Clock& clock,
    Logger& logger,
    ChangeHub& hub,
    ServiceObserver& observer,
    RetryAlarm alarm,
    Settings settings
)
    : storage_(storage),
      clock_(clock),
      logger_(logger),
      hub_(hub),
      observer_(observer),
      alarm_(std::move(alarm)),
      settings_(settings),
      leases_count_from_(clock.steady() + settings.heartbeat_timeout) {}

Sweeper::~Sweeper() {
    stop();
}

void Sweeper::start() {
    thread_ = std::thread([this] { run(); });
}

void Sweeper::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Sweeper::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        const auto swept = step();
        if (!swept && !away_) {
            log(logger_,
                LogLevel::error,
                "sweep failed; time-outs and lost workers wait until the storage answers",
                {{"error", swept.error().message}});
        }
        away_ = !swept;
        lock.lock();
        const auto next = clock_.steady() + settings_.interval;
        while (!stopping_ && clock_.steady() < next) {
            clock_.wait_until(lock, wake_, next);
        }
    }
}

Status Sweeper::step() {
    bool more = true;
    while (more) {
        const SweepPolicy policy{
            .heartbeat_timeout = settings_.heartbeat_timeout,
            .expire_leases = clock_.steady() >= leases_count_from_,
            .retry = settings_.retry,
        };
        const auto report = storage_.runs().sweep(policy);
        if (!report) {
            return fail(report.error());
        }
        publish(*report);
        more = report->more;
    }
    return {};
}

void Sweeper::publish(const SweepReport& report) {
    for (const auto& task : report.timed_out) {
        log(logger_,
            LogLevel::warning,
            "task timed out",
            {{"task", task.id.value}, {"attempt", std::to_string(task.attempt)}});
        hub_.task_changed(task.id);
        observer_.attempt_ended(task.status, ran(task));
        if (task.worker_id) {
            hub_.worker_should_look(*task.worker_id);
        }
    }
    for (const auto& task : report.lost) {
        log(logger_,
            LogLevel::warning,
            task.status == TaskStatus::pending ? "worker lost; task will be retried"
                                               : "worker lost; task failed",
            {{"task", task.id.value}, {"attempt", std::to_string(task.attempt)}});
        hub_.task_changed(task.id);
        observer_.attempt_ended(task.status, ran(task));
        if (task.not_before) {
            alarm_(*task.not_before);
        }
    }
    for (const auto& worker : report.workers_offline) {
        log(logger_, LogLevel::warning, "worker offline: no heartbeat", {{"worker", worker.value}});
    }
    if (!report.timed_out.empty() || !report.lost.empty()) {
        hub_.attempt_finished();
        hub_.callback_due();
        hub_.tasks_pending();
    }
    observer_.swept(report.timed_out.size(), report.lost.size(), report.workers_offline.size());
}

}  // namespace opslab
