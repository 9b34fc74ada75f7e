#pragma once

#include "service/change_hub.hpp"
#include "service/group_commit.hpp"
#include "service/observer.hpp"
#include "storage-memory/memory_storage.hpp"

#include <opslab/testing/fakes.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

namespace opslab::testing {

/// Counts named things; waits until so many were seen.
class Tally {
public:
    void note(const std::string& what) {
        const std::lock_guard lock(mutex_);
        ++counts_[what];
        changed_.notify_all();
    }
    [[nodiscard]] int of(const std::string& what) {
        const std::lock_guard lock(mutex_);
        return counts_[what];
    }
    void wait_for(const std::string& what, int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return counts_[what] >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, int> counts_;
};

class TallyingObserver final : public ServiceObserver {
public:
    explicit TallyingObserver(Tally& tally) : tally_(tally) {}

    void committed(std::string_view verb, std::size_t /*size*/) override {
        tally_.note(std::string{verb});
    }
    void swept(std::size_t /*timed_out*/, std::size_t /*lost*/, std::size_t /*offline*/) override {
        tally_.note("swept");
    }
    void bound_hit(std::string_view bound) override { tally_.note(std::string{bound}); }
    void tasks_submitted(std::size_t count) override {
        for (std::size_t i = 0; i < count; ++i) {
            tally_.note("submitted task");
        }
    }

private:
    Tally& tally_;
};

/// What the services stand on: an in-memory storage and a clock that stands still.
class ServiceFixture : public ::testing::Test {
protected:
    static inline const WorkerId kWorker{"worker-001-kind"};

    WorkerId enroll(const WorkerId& id = kWorker, int slots = 1) {
        const NewWorker worker{.id = id, .backend_type = "kind", .max_parallel_tasks = slots};
        EXPECT_TRUE(storage_->workers().enroll(worker, Takeover::refuse).has_value());
        return id;
    }

    NewTask a_task(int max_retries = 0) {
        NewTask task;
        task.id = TaskId{make_uuid(clock_.now(), entropy_)};
        task.problem_id = "pod_failure-detection-1";
        task.parameters.max_retries = max_retries;
        return task;
    }

    /// Straight into the storage: nobody is told.
    TaskId store(const NewTask& task) {
        const Submission submission{.tasks = {task}};
        EXPECT_TRUE(storage_->tasks().submit({&submission, 1}).has_value());
        return task.id;
    }

    Task run(const WorkerId& worker, const NewTask& task) {
        store(task);
        const ClaimRequest request{.worker = worker};
        return storage_->runs().claim({&request, 1}, {})->at(0)->at(0).task;
    }

    [[nodiscard]] Task task(const TaskId& id) {
        return storage_->tasks().details({&id, 1})->at(0).task;
    }

    static AttemptEnd lost_to_infrastructure(const Task& task) {
        return AttemptEnd{
            .task = task.id,
            .attempt = task.attempt,
            .worker = task.worker_id.value_or(kWorker),
            .outcome = Failure{.kind = FailureKind::infrastructure},
            .digest = "d"};
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    std::unique_ptr<Storage> storage_ =
        memory::make_storage(StorageHost{clock_, entropy_, logger_});
    ChangeHub hub_;
    Tally tally_;
    TallyingObserver observer_{tally_};
};

}  // namespace opslab::testing
