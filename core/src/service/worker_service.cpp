#include "service/worker_service.hpp"

#include "domain/told_problems.hpp"
#include "domain/worker_codec.hpp"

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

template <class T>
std::size_t stale_among(const std::vector<Result<T>>& results) {
    return static_cast<std::size_t>(std::count_if(
        results.begin(),
        results.end(),
        [](const Result<T>& result) {
            return !result && result.error().code == Errc::stale_attempt;
        }
    ));
}

}  // namespace

WorkerService::WorkerService(
    Storage& storage,
    Clock& clock,
    Entropy& entropy,
    ChangeHub& hub,
    ServiceObserver& observer,
    const Settings& settings
)
    : storage_(storage),
      clock_(clock),
      entropy_(entropy),
      hub_(hub),
      observer_(observer),
      settings_(settings),
      desk_(storage, clock, hub, observer, {.lease = settings.lease, .poll = settings.claim_poll}),
      beats_(
          [this](std::span<const Heartbeat> batch) {
              observer_.committed("heartbeat", batch.size());
              return storage_.workers().heartbeat(batch, {.lease = settings_.lease});
          },
          {}
      ),
      reports_([this](std::span<const EventReport> batch) { return commit_reports(batch); }, {}),
      ends_([this](std::span<const AttemptEnd> batch) { return commit_ends(batch); }, {}) {}

Result<Worker> WorkerService::enroll(const NewWorker& worker, Takeover takeover) {
    auto enrolled = store(with_new_problems_alone(worker), takeover);
    if (enrolled) {
        hub_.worker_enrolled();
    }
    return enrolled;
}

Result<Worker> WorkerService::store(const NewWorker& worker, Takeover takeover) {
    auto enrolled = storage_.workers().enroll(worker, takeover);
    if (enrolled || takeover == Takeover::succeed || enrolled.error().code != Errc::conflict) {
        return enrolled;
    }
    const auto registered = storage_.workers().find(worker.id);
    if (!registered || !same_instance(worker, *registered)) {
        return enrolled;
    }
    return storage_.workers().enroll(worker, Takeover::succeed);
}

void WorkerService::heartbeat(const Heartbeat& beat, Reply<HeartbeatReceipt> reply) {
    beats_.add(beat, std::move(reply));
}

void WorkerService::record(EventReport report, Reply<ReportReceipt> reply) {
    for (auto& event : report.events) {
        if (auto* log = std::get_if<LogEvent>(&event); log != nullptr && log->id.value.empty()) {
            log->id = LogId{make_uuid(clock_.now(), entropy_)};
        }
    }
    reports_.add(std::move(report), std::move(reply));
}

Result<std::vector<Result<ReportReceipt>>> WorkerService::commit_reports(
    std::span<const EventReport> reports
) {
    observer_.committed("record", reports.size());
    auto results = storage_.runs().record(reports, {.lease = settings_.lease});
    if (!results) {
        return results;
    }
    count_stale("record", stale_among(*results));
    for (auto& result : *results) {
        if (result) {
            result->lease = settings_.lease;
        }
    }
    for (std::size_t i = 0; i < reports.size() && i < results->size(); ++i) {
        if ((*results)[i] && !reports[i].events.empty()) {
            observe_phases(reports[i]);
            hub_.task_changed(reports[i].task);
        }
    }
    return results;
}

void WorkerService::count_stale(std::string_view verb, std::size_t stale) {
    if (stale > 0) {
        observer_.stale_writes(verb, stale);
    }
}

void WorkerService::observe_phases(const EventReport& report) {
    constexpr std::size_t kMaxOpen = 4096;  // runs that died in a phase leave theirs open
    for (const auto& event : report.events) {
        const auto* phase = std::get_if<PhaseEvent>(&event);
        if (phase == nullptr) {
            continue;
        }
        if (phase->edge == PhaseEdge::begin) {
            if (open_phases_.size() >= kMaxOpen) {
                open_phases_.clear();
            }
            open_phases_[report.task] = *phase;
            continue;
        }
        const auto open = open_phases_.find(report.task);
        if (open != open_phases_.end() && open->second.name == phase->name) {
            observer_.phase_ended(phase->name, phase->at - open->second.at);
            open_phases_.erase(open);
        }
    }
}

void WorkerService::finish(AttemptEnd end, Reply<Task> reply) {
    ends_.add(std::move(end), std::move(reply));
}

Result<std::vector<Result<Task>>> WorkerService::commit_ends(std::span<const AttemptEnd> ends) {
    observer_.committed("finish", ends.size());
    auto results = storage_.runs().finish(ends, settings_.retry);
    if (!results) {
        return results;
    }
    count_stale("finish", stale_among(*results));
    bool slot_or_task = false;
    bool callback_due = false;
    for (const auto& result : *results) {
        if (!result) {
            continue;
        }
        slot_or_task = true;
        callback_due = callback_due ||
                       (is_terminal(result->status) && result->parameters.callback_url.has_value());
        hub_.task_changed(result->id);
        if (result->not_before) {
            desk_.look_again_at(*result->not_before);
        }
        if (result->completed_at && result->started_at) {
            observer_.attempt_ended(result->status, *result->completed_at - *result->started_at);
        } else {
            observer_.attempt_ended(result->status, Duration{0});
        }
    }
    if (callback_due) {
        hub_.callback_due();
    }
    if (slot_or_task) {
        hub_.attempt_finished();
        hub_.tasks_pending();  // a slot is free again
    }
    return results;
}

Status WorkerService::retire(const WorkerId& worker) {
    desk_.release(worker);
    return storage_.workers().retire(worker);
}

Result<std::vector<RunningAttempt>> WorkerService::running(const WorkerId& worker) {
    return storage_.runs().running(worker);
}

Result<Worker> WorkerService::find(const WorkerId& worker) {
    return storage_.workers().find(worker);
}

Result<std::vector<Worker>> WorkerService::list(const WorkerQuery& query) {
    return storage_.workers().list(query);
}

Result<WorkerStats> WorkerService::stats(const WorkerId& worker) {
    return storage_.workers().stats(worker);
}

}  // namespace opslab
