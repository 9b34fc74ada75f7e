#pragma once

#include "service/change_hub.hpp"
#include "service/explanation.hpp"
#include "service/group_commit.hpp"
#include "service/observer.hpp"

#include <opslab/storage.hpp>

#include <optional>
#include <string>
#include <vector>

namespace opslab {

/// What clients do with tasks. Threads: all calls from any. Reads block on the storage; writes
/// reply from a committer's thread (`Reply`), which must not block.
class TaskService {
public:
    TaskService(
        Storage& storage, Clock& clock, Entropy& entropy, ChangeHub& hub, ServiceObserver& observer
    );

    /// Gives ids and stores the tasks of one request, all or none. The key, if any, holds for ever.
    /// With a `refusal` nothing is stored and that is the error, but a replay of the key is
    /// answered. Errors: `conflict` with reason `idempotency_conflict`, `exhausted`, the storage's.
    void submit(
        std::vector<NewTask> tasks,
        std::optional<IdempotencyKey> key,
        Reply<Submitted> reply,
        std::optional<Error> refusal = {}
    );

    /// Errors: `not_found`.
    [[nodiscard]] Result<TaskDetail> detail(const TaskId& task);
    [[nodiscard]] Result<TaskPage> list(const TaskQuery& query);
    [[nodiscard]] Result<TaskStats> stats();
    [[nodiscard]] Result<QueueCounts> counts();

    /// Why it waits, how it runs or how it went. Errors: `not_found`.
    [[nodiscard]] Result<Explanation> explain(const TaskId& task) {
        return opslab::explain(storage_, clock_, task);
    }

    /// Errors: `not_found`, `conflict` where it has ended already.
    void cancel(const TaskId& task, Reply<Task> reply);

    /// Errors: `not_found`.
    [[nodiscard]] Result<std::vector<StoredLog>> logs(const LogQuery& query);

    struct Trajectory {
        int attempt = 0;
        std::vector<StoredStep> steps{};
    };
    /// Of the last attempt. Errors: `not_found`.
    [[nodiscard]] Result<Trajectory> trajectory(const TaskId& task);

    /// Steps of one attempt, for the feed.
    [[nodiscard]] Result<std::vector<StoredStep>> steps(const TaskId& task, int attempt);

    /// For streams: what came after `after_seq`, at most `limit` events; no error where the task is
    /// unknown (ask `detail` first).
    [[nodiscard]] Result<std::vector<StoredEvent>> events(
        const TaskId& task, std::int64_t after_seq, int limit
    );

    [[nodiscard]] Result<FeedPage> feed(const FeedQuery& query);
    [[nodiscard]] Result<std::vector<TaskDetail>> details(const std::vector<TaskId>& tasks);

    /// Where streams subscribe to changes.
    [[nodiscard]] ChangeHub& changes() { return hub_; }

private:
    [[nodiscard]] Result<std::vector<Result<Submitted>>> commit_submissions(
        std::span<const Submission> submissions
    );
    [[nodiscard]] Result<std::vector<Result<Task>>> commit_cancels(std::span<const TaskId> tasks);

    Storage& storage_;
    Clock& clock_;
    Entropy& entropy_;
    ChangeHub& hub_;
    ServiceObserver& observer_;
    GroupCommit<Submission, Submitted> submissions_;
    GroupCommit<TaskId, Task> cancels_;
};

}  // namespace opslab
