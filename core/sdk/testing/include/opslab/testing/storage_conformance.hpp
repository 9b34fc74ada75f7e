#pragma once

#include <opslab/storage.hpp>
#include <opslab/testing/fakes.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace opslab::testing {

/// One place where a storage keeps its data, fresh and empty, for the time of one test.
class StoragePlace {
public:
    StoragePlace() = default;
    StoragePlace(const StoragePlace&) = delete;
    StoragePlace& operator=(const StoragePlace&) = delete;
    virtual ~StoragePlace() = default;

    /// Opens what is there; again after the last one was destroyed.
    [[nodiscard]] virtual Result<std::unique_ptr<Storage>> open(const StorageHost& host) = 0;
};

/// What a storage's author fills in.
struct StorageCase {
    std::string name{};
    std::function<std::unique_ptr<StoragePlace>()> place{};
    bool survives_reopen = true;  ///< false: it keeps nothing on disk, and says so here
};

inline void PrintTo(const StorageCase& which, std::ostream* out) {
    *out << which.name;
}

/// For INSTANTIATE_TEST_SUITE_P: readable names.
inline std::string storage_case_name(const ::testing::TestParamInfo<StorageCase>& info) {
    return info.param.name;
}

/// The suite of every storage: `INSTANTIATE_TEST_SUITE_P(Sqlite, StorageConformance, …)` with
/// the object library opslab::testing_storage linked in.
class StorageConformance : public ::testing::TestWithParam<StorageCase> {
protected:
    void SetUp() override;

    void reopen();

    [[nodiscard]] TaskStore& tasks() { return storage_->tasks(); }
    [[nodiscard]] RunStore& runs() { return storage_->runs(); }
    [[nodiscard]] WorkerStore& workers() { return storage_->workers(); }
    [[nodiscard]] HistoryStore& history() { return storage_->history(); }
    [[nodiscard]] Outbox& outbox() { return storage_->outbox(); }

    [[nodiscard]] NewTask a_task(int priority = 5);
    Task submit(NewTask task);
    WorkerId enroll(
        const std::string& id = "worker-001-kind",
        int slots = 1,
        std::vector<std::string> problems = {}
    );
    std::vector<ClaimedTask> claim(const WorkerId& worker, int max = 1);
    /// Submits one task and has a fresh worker with room run it.
    Task running_task(const WorkerId& worker, NewTask task);
    Result<Task> finish(AttemptEnd end);
    Result<Task> cancel(const TaskId& id);
    [[nodiscard]] TaskDetail detail(const TaskId& id);
    [[nodiscard]] std::vector<StoredEvent> events(const TaskId& id);
    [[nodiscard]] Worker worker(const WorkerId& id);
    HeartbeatReceipt beat(const WorkerId& id, std::optional<TaskId> current = {});
    /// Brings a fresh task into a status, by the calls that a user would make.
    Task task_in(TaskStatus status, const WorkerId& worker);

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    RetryPolicy retry_{};
    ClaimPolicy policy_{};
    std::unique_ptr<StoragePlace> place_;
    std::unique_ptr<Storage> storage_;
};

/// An end with a result, as a worker sends it.
[[nodiscard]] AttemptEnd success_of(const Task& task, const std::string& digest = "d");
/// An end with a failure of this kind.
[[nodiscard]] AttemptEnd failure_of(
    const Task& task, FailureKind kind = FailureKind::task, const std::string& digest = "d"
);

}  // namespace opslab::testing
