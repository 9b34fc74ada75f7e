#include "service/explanation.hpp"

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

constexpr std::size_t kShownWorkers = 100;

std::size_t& count_of(Explanation& explanation, WorkerVerdict verdict) {
    return explanation.by_verdict.at(static_cast<std::size_t>(verdict));
}

TaskReason why_pending(Explanation& explanation, Timestamp now) {
    const auto& task = explanation.detail.task;
    if (task.not_before && *task.not_before > now) {
        return TaskReason::retry_not_before;
    }
    if (explanation.workers_total == 0) {
        return TaskReason::no_workers;
    }
    if (count_of(explanation, WorkerVerdict::available) > 0) {
        return explanation.ahead > 0 ? TaskReason::queued : TaskReason::claimable;
    }
    if (count_of(explanation, WorkerVerdict::busy) > 0) {
        return TaskReason::workers_busy;
    }
    if (count_of(explanation, WorkerVerdict::circuit_open) > 0) {
        return TaskReason::circuits_open;
    }
    return count_of(explanation, WorkerVerdict::offline) > 0 ? TaskReason::workers_offline
                                                             : TaskReason::no_fitting_worker;
}

TaskReason how_running(const Explanation& explanation, Timestamp now) {
    const auto& attempts = explanation.detail.attempts;
    if (!attempts.empty() && attempts.back().deadline <= now) {
        return TaskReason::deadline_passed;
    }
    return explanation.lease_until && *explanation.lease_until <= now ? TaskReason::lease_expired
                                                                      : TaskReason::running;
}

void judge_workers(Explanation& explanation, std::vector<WorkerLoad> workers) {
    explanation.workers_total = workers.size();
    for (auto& load : workers) {
        const auto verdict = judge(load, explanation.detail.task);
        ++count_of(explanation, verdict);
        explanation.workers.push_back({std::move(load), verdict});
    }
    std::stable_sort(
        explanation.workers.begin(),
        explanation.workers.end(),
        [](const JudgedWorker& a, const JudgedWorker& b) { return a.verdict < b.verdict; }
    );
    if (explanation.workers.size() > kShownWorkers) {
        explanation.workers.erase(
            explanation.workers.begin() + kShownWorkers, explanation.workers.end()
        );
    }
}

Status look_at_run(Explanation& explanation, Storage& storage, std::int64_t last_seq) {
    const auto& phases = explanation.detail.phases;
    const auto open = std::find_if(phases.rbegin(), phases.rend(), [](const PhaseSpan& span) {
        return !span.end;
    });
    if (open != phases.rend()) {
        explanation.phase = *open;
    }
    auto last = storage.history().events(explanation.detail.task.id, last_seq - 1, 1);
    if (!last) {
        return fail(std::move(last.error()));
    }
    if (!last->empty()) {
        explanation.last_event = std::move(last->front());
    }
    return {};
}

}  // namespace

WorkerVerdict judge(const WorkerLoad& load, const Task& task) {
    const auto& worker = load.worker;
    if (task.backend_type && *task.backend_type != worker.backend_type) {
        return WorkerVerdict::backend_type;
    }
    const auto& globs = worker.supported_problems;
    const bool takes = globs.empty() || std::any_of(globs.begin(), globs.end(), [&](auto& glob) {
                           return glob_match(glob, task.problem_id);
                       });
    if (!takes) {
        return WorkerVerdict::problem_filter;
    }
    if (worker.status == WorkerStatus::offline) {
        return WorkerVerdict::offline;
    }
    if (worker.circuit_open) {
        return WorkerVerdict::circuit_open;
    }
    return load.running >= worker.max_parallel_tasks ? WorkerVerdict::busy
                                                     : WorkerVerdict::available;
}

Result<Explanation> explain(Storage& storage, Clock& clock, const TaskId& task) {
    // the outlook first: a task that moves on meanwhile is then told as it is after
    auto outlook = storage.tasks().outlook(task);
    if (!outlook) {
        return fail(std::move(outlook.error()));
    }
    auto details = storage.tasks().details({&task, 1});
    if (!details) {
        return fail(std::move(details.error()));
    }
    if (details->empty()) {
        return fail(Errc::not_found, "no task \"" + task.value + "\"");
    }
    Explanation explanation{.detail = std::move(details->front()), .at = clock.now()};
    const auto status = explanation.detail.task.status;
    if (is_terminal(status)) {
        return explanation;
    }
    explanation.usual = outlook->usual;
    if (status == TaskStatus::running) {
        explanation.lease_until = outlook->lease_until;
        if (auto looked = look_at_run(explanation, storage, outlook->last_seq); !looked) {
            return fail(std::move(looked.error()));
        }
        explanation.reason = how_running(explanation, outlook->now);
        return explanation;
    }
    explanation.ahead = outlook->ahead;
    judge_workers(explanation, std::move(outlook->workers));
    explanation.reason = why_pending(explanation, outlook->now);
    return explanation;
}

}  // namespace opslab
