#pragma once

#include "changes.hpp"
#include "lease_time.hpp"

#include <opslab/sql/database.hpp>
#include <opslab/storage.hpp>

#include <map>
#include <span>
#include <string>
#include <vector>

/// The five roles over one `Database`; `make_sql_storage` puts them together.
namespace opslab::sql {

/// What each role needs. Lives as long as the storage.
struct Parts {
    StorageHost host;
    Database& database;
    LeaseTime& lease_time;
};

class SqlTaskStore final : public TaskStore {
public:
    explicit SqlTaskStore(Parts parts) : parts_(parts) {}

    Result<std::vector<Result<Submitted>>> submit(std::span<const Submission> submissions) override;
    Result<std::vector<TaskDetail>> details(std::span<const TaskId> ids) override;
    Result<TaskPage> list(const TaskQuery& query) override;
    Result<QueueCounts> counts() override;
    Result<TaskStats> stats() override;
    Result<Outlook> outlook(const TaskId& task) override;
    Result<std::vector<Result<Task>>> cancel(std::span<const TaskId> ids) override;

private:
    Parts parts_;
};

class SqlRunStore final : public RunStore {
public:
    explicit SqlRunStore(Parts parts) : parts_(parts) {}

    Result<std::vector<Result<std::vector<ClaimedTask>>>> claim(
        std::span<const ClaimRequest> requests, const ClaimPolicy& policy
    ) override;
    Result<std::vector<Result<ReportReceipt>>> record(
        std::span<const EventReport> reports, const ClaimPolicy& policy
    ) override;
    Result<std::vector<Result<Task>>> finish(
        std::span<const AttemptEnd> ends, const RetryPolicy& retry
    ) override;
    Result<SweepReport> sweep(const SweepPolicy& policy) override;
    Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override;

private:
    Parts parts_;
};

class SqlWorkerStore final : public WorkerStore {
public:
    explicit SqlWorkerStore(Parts parts) : parts_(parts) {}

    Result<Worker> enroll(const NewWorker& worker, Takeover takeover) override;
    Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) override;
    Status retire(const WorkerId& worker) override;
    Result<Worker> find(const WorkerId& worker) override;
    Result<std::vector<Worker>> list(const WorkerQuery& query) override;
    Result<WorkerStats> stats(const WorkerId& worker) override;

private:
    Parts parts_;
};

class SqlHistoryStore final : public HistoryStore {
public:
    explicit SqlHistoryStore(Parts parts) : parts_(parts) {}

    Result<std::vector<StoredEvent>> events(const TaskId& task, std::int64_t after_seq, int limit)
        override;
    Result<std::vector<StoredLog>> logs(const LogQuery& query) override;
    Result<std::vector<StoredStep>> steps(const TaskId& task, int attempt) override;
    Result<FeedPage> feed(const FeedQuery& query) override;

private:
    Parts parts_;
};

class SqlOutbox final : public Outbox {
public:
    explicit SqlOutbox(Parts parts) : parts_(parts) {}

    Result<std::vector<Delivery>> take_due(int limit, Duration hold) override;
    Status settle(std::span<const DeliveryOutcome> outcomes) override;

private:
    Parts parts_;
};

// --- shared by the roles ----------------------------------------------------------------------

template <class Id>
[[nodiscard]] Json ids_of(const std::vector<Id>& ids) {
    Json all = Json::array();
    for (const auto& id : ids) {
        all.push_back(id.value);
    }
    return Json{{"ids", std::move(all)}};
}

[[nodiscard]] std::map<TaskId, TaskRow> load_tasks(
    Session& session, const std::vector<TaskId>& ids
);
[[nodiscard]] std::map<WorkerId, WorkerRow> load_workers(
    Session& session, const std::vector<WorkerId>& ids
);

/// Keep other writers off these rows until the transaction ends. Always workers before tasks.
void lock_workers(Session& session, const std::vector<WorkerId>& ids);
void lock_tasks(Session& session, const std::vector<TaskId>& ids);

/// The same as `claimable`, locked: nobody else gets these until the transaction ends.
[[nodiscard]] std::vector<TaskRow> take_claimable(
    Session& session, const Worker& worker, std::int64_t limit, Timestamp now
);

/// What a claim by this worker would get now, in claim order.
[[nodiscard]] std::vector<TaskRow> claimable(
    Session& session, const Worker& worker, std::int64_t limit, Timestamp now
);

[[nodiscard]] Histogram read_histogram(
    Session& session, const std::string& scope, const std::string& name
);

[[nodiscard]] tl::unexpected<Error> no_task(const TaskId& id);
[[nodiscard]] tl::unexpected<Error> no_worker(const WorkerId& id);

}  // namespace opslab::sql
