#pragma once

#include "rows.hpp"

#include <opslab/storage.hpp>

namespace opslab::memory {

class MemoryTasks final : public TaskStore {
public:
    explicit MemoryTasks(Rows& rows) : rows_(rows) {}

    Result<std::vector<Result<Submitted>>> submit(std::span<const Submission> submissions) override;
    Result<std::vector<TaskDetail>> details(std::span<const TaskId> ids) override;
    Result<TaskPage> list(const TaskQuery& query) override;
    Result<QueueCounts> counts() override;
    Result<TaskStats> stats() override;
    Result<Outlook> outlook(const TaskId& task) override;
    Result<std::vector<Result<Task>>> cancel(std::span<const TaskId> ids) override;

private:
    Rows& rows_;
};

class MemoryRuns final : public RunStore {
public:
    explicit MemoryRuns(Rows& rows) : rows_(rows) {}

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
    Rows& rows_;
};

class MemoryWorkers final : public WorkerStore {
public:
    explicit MemoryWorkers(Rows& rows) : rows_(rows) {}

    Result<Worker> enroll(const NewWorker& worker, Takeover takeover) override;
    Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) override;
    Status retire(const WorkerId& worker) override;
    Result<Worker> find(const WorkerId& worker) override;
    Result<std::vector<Worker>> list(const WorkerQuery& query) override;
    Result<WorkerStats> stats(const WorkerId& worker) override;

private:
    Rows& rows_;
};

class MemoryHistory final : public HistoryStore {
public:
    explicit MemoryHistory(Rows& rows) : rows_(rows) {}

    Result<std::vector<StoredEvent>> events(const TaskId& task, std::int64_t after_seq, int limit)
        override;
    Result<std::vector<StoredLog>> logs(const LogQuery& query) override;
    Result<std::vector<StoredStep>> steps(const TaskId& task, int attempt) override;
    Result<FeedPage> feed(const FeedQuery& query) override;

private:
    Rows& rows_;
};

class MemoryOutbox final : public Outbox {
public:
    explicit MemoryOutbox(Rows& rows) : rows_(rows) {}

    Result<std::vector<Delivery>> take_due(int limit, Duration hold) override;
    Status settle(std::span<const DeliveryOutcome> outcomes) override;

private:
    Rows& rows_;
};

}  // namespace opslab::memory
