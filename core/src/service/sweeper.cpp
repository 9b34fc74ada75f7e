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
      leases_count_from_(clock.steady() + settings.heartbeat_timeout),
      swept_at_(clock.steady()),
      clock_lead_(clock_lead()) {}

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

Duration Sweeper::clock_lead() const {
    return clock_.now().time_since_epoch() - clock_.steady().time_since_epoch();
}

void Sweeper::forgive_absence() {
    const auto now = clock_.steady();
    const auto silent = now - swept_at_;
    const auto jump = clock_lead() - clock_lead_;
    const bool was_absent = silent >= settings_.interval + settings_.heartbeat_timeout / 2;
    // far more than clocks are slewed by, and less than a worker keeps in reserve
    const bool jumped = std::chrono::abs(jump) >= settings_.heartbeat_timeout / 12;
    if (!was_absent && !jumped) {
        return;
    }
    clock_lead_ += jump;
    // said once for each absence: while the storage is away this comes again and again
    if (jumped || leases_count_from_ <= swept_at_ + settings_.heartbeat_timeout) {
        const auto seconds = [](Duration length) {
            return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(length).count());
        };
        log(logger_,
            LogLevel::warning,
            jumped ? "the clock of this machine jumped; leases get one more time-out"
                   : "this coordinator could not sweep for a while; leases get one more time-out",
            {{"seconds", seconds(jumped ? jump : silent)}});
    }
    leases_count_from_ = now + settings_.heartbeat_timeout;
}

void Sweeper::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        forgive_absence();
        const auto swept = step();
        if (swept) {
            swept_at_ = clock_.steady();
        }
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
            .worker_retention = settings_.worker_retention,
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
    for (const auto& worker : report.workers_forgotten) {
        log(logger_,
            LogLevel::info,
            "worker forgotten: offline for longer than retention.offline_workers_days",
            {{"worker", worker.value}});
    }
    if (!report.timed_out.empty() || !report.lost.empty()) {
        hub_.attempt_finished();
        hub_.callback_due();
        hub_.tasks_pending();
    }
    observer_.swept(report.timed_out.size(), report.lost.size(), report.workers_offline.size());
}

}  // namespace opslab
