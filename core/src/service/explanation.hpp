#pragma once

#include <opslab/storage.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// "Why is it waiting?": what a person asks first, answered from what the storage knows.
namespace opslab {

/// Why a worker does not have a pending task, the first that holds.
enum class WorkerVerdict : std::uint8_t {
    available,       ///< nothing is in the way: its next claim may take the task
    busy,            ///< all its slots run something
    circuit_open,    ///< it claims nothing for now, since its starts keep failing
    offline,         ///< no heartbeat
    problem_filter,  ///< its `supported_problems` leave this problem out
    backend_type,    ///< the task asks for another backend type
};

inline constexpr std::array kWorkerVerdicts{
    WorkerVerdict::available,
    WorkerVerdict::busy,
    WorkerVerdict::circuit_open,
    WorkerVerdict::offline,
    WorkerVerdict::problem_filter,
    WorkerVerdict::backend_type,
};

[[nodiscard]] constexpr std::string_view to_string(WorkerVerdict verdict) {
    constexpr std::array<std::string_view, kWorkerVerdicts.size()> kNames{
        "available", "busy", "circuit_open", "offline", "problem_filter", "backend_type"};
    return kNames.at(static_cast<std::size_t>(verdict));
}

/// The one word for how things stand with a task.
enum class TaskReason : std::uint8_t {
    // pending
    retry_not_before,   ///< its back-off is not over
    no_workers,         ///< none is registered
    no_fitting_worker,  ///< none of its backend type takes its problem
    workers_offline,    ///< those that fit are offline
    circuits_open,      ///< those that fit claim nothing for now, since their starts keep failing
    workers_busy,       ///< those that fit have no free slot
    queued,             ///< one is free, and other tasks come first
    claimable,          ///< one is free and it is first: the next claim takes it
    // running
    running,
    deadline_passed,  ///< the next sweep ends it
    lease_expired,    ///< its worker is silent: the next sweep takes it for lost
    // terminal
    ended,
};

[[nodiscard]] constexpr std::string_view to_string(TaskReason reason) {
    constexpr std::array<std::string_view, 12> kNames{
        "retry_not_before",
        "no_workers",
        "no_fitting_worker",
        "workers_offline",
        "circuits_open",
        "workers_busy",
        "queued",
        "claimable",
        "running",
        "deadline_passed",
        "lease_expired",
        "ended"};
    return kNames.at(static_cast<std::size_t>(reason));
}

struct JudgedWorker {
    WorkerLoad load{};
    WorkerVerdict verdict = WorkerVerdict::available;
};

struct Explanation {
    TaskDetail detail{};
    Timestamp at{};  ///< all of it is of this moment
    TaskReason reason = TaskReason::ended;
    // of a pending task
    std::int64_t ahead = 0;
    std::size_t workers_total = 0;
    std::array<std::size_t, kWorkerVerdicts.size()> by_verdict{};  ///< of all workers
    std::vector<JudgedWorker> workers{};  ///< at most 100, nearest to taking it first, then by id
    // of a running task
    std::optional<Timestamp> lease_until{};
    std::optional<PhaseSpan> phase{};  ///< the one that has begun and not ended
    std::optional<StoredEvent> last_event{};
    // of a pending or running task
    DurationStats usual{};  ///< as `Outlook` has it
};

/// What stands between this worker and this task. Pure.
[[nodiscard]] WorkerVerdict judge(const WorkerLoad& load, const Task& task);

/// Errors: `not_found`, `unsupported`, the storage's.
[[nodiscard]] Result<Explanation> explain(Storage& storage, Clock& clock, const TaskId& task);

}  // namespace opslab
