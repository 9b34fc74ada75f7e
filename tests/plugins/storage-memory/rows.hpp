#pragma once

#include <opslab/storage.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace opslab::memory {

struct AttemptRow {
    Attempt attempt{};
    Timestamp lease_until{};
    std::optional<std::string> handle{};
    std::optional<TaskResult> result{};
    std::optional<std::string> error_details{};
    std::string digest{};
};

struct TaskRow {
    Task task{};
    std::vector<AttemptRow> attempts{};  ///< attempt n is at n - 1
    std::vector<StoredEvent> events{};   ///< seq n is at n - 1
};

struct WorkerRow {
    Worker worker{};
    std::map<TaskId, bool> cancels{};  ///< true: told
};

struct KeyRow {
    std::string fingerprint{};
    std::vector<TaskId> tasks{};
};

struct DeliveryRow {
    Delivery delivery{};
    Timestamp due_at{};
};

/// Everything. Each call of a role holds `mutex` from its begin to its end.
struct Rows {
    explicit Rows(const StorageHost& lent) : host(lent) {}

    StorageHost host;
    std::mutex mutex{};
    std::map<TaskId, TaskRow> tasks{};
    std::map<WorkerId, WorkerRow> workers{};
    std::map<std::pair<KeySpace, std::string>, KeyRow> keys{};
    std::vector<std::pair<TaskId, int>> finished{};  ///< attempts; position n is at n - 1
    std::map<DeliveryId, DeliveryRow> deliveries{};
};

/// How an attempt ends.
struct Ending {
    TaskEvent event = TaskEvent::failed;
    std::optional<TaskResult> result{};
    std::optional<Failure> failure{};
    std::string error_details{};
    std::string digest{};
    std::optional<Timestamp> not_before{};  ///< with `TaskEvent::retried`
};

[[nodiscard]] tl::unexpected<Error> no_task(const TaskId& task);
[[nodiscard]] tl::unexpected<Error> no_worker(const WorkerId& worker);

/// Adds to the task's history, with the next number.
void append(TaskRow& row, int attempt, decltype(StoredEvent::body) body);
/// Adds the task's present status to its history.
void append_status(TaskRow& row, Timestamp now);

void begin_attempt(TaskRow& row, const WorkerId& worker, Timestamp now, Duration lease);
void end_attempt(Rows& rows, TaskRow& row, const Ending& ending, Timestamp now);
void cancel_waiting(Rows& rows, TaskRow& row, Timestamp now);

/// The worker's running attempts, oldest first.
[[nodiscard]] std::vector<TaskRow*> running_on(Rows& rows, const WorkerId& worker);
/// What this worker would be given, first come first, at most `limit`.
[[nodiscard]] std::vector<TaskRow*> claimable(
    Rows& rows, const Worker& worker, std::size_t limit, Timestamp now
);

}  // namespace opslab::memory
