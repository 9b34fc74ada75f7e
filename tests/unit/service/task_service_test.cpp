#include "service/task_service.hpp"

#include "service_fixture.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

namespace opslab::testing {
namespace {

using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Ne;
using ::testing::SizeIs;

const TaskId kUnknown{"00000000-0000-7000-8000-000000000000"};

class TaskServiceTest : public ServiceFixture {
protected:
    Result<Submitted> submit(
        std::vector<NewTask> tasks, std::optional<IdempotencyKey> key = std::nullopt
    ) {
        return await_reply<Submitted>([&](Reply<Submitted> reply) {
            service_.submit(std::move(tasks), std::move(key), std::move(reply));
        });
    }

    Result<Task> cancel(const TaskId& id) {
        return await_reply<Task>([&](Reply<Task> reply) { service_.cancel(id, std::move(reply)); });
    }

    static NewTask request() {
        NewTask task;
        task.problem_id = "pod_failure-detection-1";
        return task;
    }

    TaskService service_{*storage_, clock_, entropy_, hub_, observer_};
};

TEST_F(TaskServiceTest, SubmittedTasksGetIdsAndWakeTheClaims) {
    const auto of_claims = hub_.on_tasks_pending([&] { tally_.note("pending"); });

    const auto submitted = submit({request(), request()});

    ASSERT_THAT(submitted, IsOk());
    ASSERT_THAT(submitted->tasks, SizeIs(2));
    EXPECT_TRUE(is_uuid(submitted->tasks[0].id.value));
    EXPECT_THAT(submitted->tasks[0].id, Ne(submitted->tasks[1].id));
    EXPECT_THAT(tally_.of("pending"), Eq(1));
    EXPECT_THAT(tally_.of("submitted task"), Eq(2));
    EXPECT_THAT(service_.detail(submitted->tasks[1].id), IsOk());
}

TEST_F(TaskServiceTest, AReplayStoresNothingAndWakesNobody) {
    const IdempotencyKey key{.key = "k", .fingerprint = "body"};
    const auto first = submit({request()}, key);
    ASSERT_THAT(first, IsOk());
    const auto of_claims = hub_.on_tasks_pending([&] { tally_.note("pending"); });

    const auto replay = submit({request()}, key);

    ASSERT_THAT(replay, IsOk());
    EXPECT_TRUE(replay->replayed);
    EXPECT_THAT(replay->tasks.at(0).id, Eq(first->tasks.at(0).id));
    EXPECT_THAT(tally_.of("pending"), Eq(0));
    EXPECT_THAT(tally_.of("submitted task"), Eq(1));
}

TEST_F(TaskServiceTest, TheSameKeyWithAnotherBodyIsAConflict) {
    ASSERT_THAT(submit({request()}, IdempotencyKey{.key = "k", .fingerprint = "body"}), IsOk());

    const auto other = submit({request()}, IdempotencyKey{.key = "k", .fingerprint = "other"});

    ASSERT_THAT(other, IsError(Errc::conflict));
    EXPECT_THAT(other.error().reason, Eq("idempotency_conflict"));
}

TEST_F(TaskServiceTest, ACancelledRunIsPublishedToItsFollowersAndItsWorker) {
    const auto running = run(enroll(), a_task());
    const auto of_task = hub_.on_task_changed(running.id, [&] { tally_.note("task"); });
    const auto of_worker = hub_.on_worker_should_look(kWorker, [&] { tally_.note("worker"); });
    const auto of_feed = hub_.on_attempt_finished([&] { tally_.note("feed"); });

    const auto cancelled = cancel(running.id);

    ASSERT_THAT(cancelled, IsOk());
    EXPECT_THAT(cancelled->status, Eq(TaskStatus::cancelled));
    EXPECT_THAT(tally_.of("task"), Eq(1));
    EXPECT_THAT(tally_.of("worker"), Eq(1));
    EXPECT_THAT(tally_.of("feed"), Eq(1));
    EXPECT_THAT(cancel(running.id), IsError(Errc::conflict));
    EXPECT_THAT(cancel(kUnknown), IsError(Errc::not_found));
    EXPECT_THAT(tally_.of("task"), Eq(1));
}

TEST_F(TaskServiceTest, ACancelledWaitingTaskConcernsNoWorker) {
    const auto waiting = store(a_task());
    const auto of_task = hub_.on_task_changed(waiting, [&] { tally_.note("task"); });
    const auto of_feed = hub_.on_attempt_finished([&] { tally_.note("feed"); });

    ASSERT_THAT(cancel(waiting), IsOk());

    EXPECT_THAT(tally_.of("task"), Eq(1));
    EXPECT_THAT(tally_.of("feed"), Eq(0));
}

TEST_F(TaskServiceTest, UnknownTasksAreNotFound) {
    EXPECT_THAT(service_.detail(kUnknown), IsError(Errc::not_found));
    EXPECT_THAT(service_.trajectory(kUnknown), IsError(Errc::not_found));
    EXPECT_THAT(service_.logs({.task = kUnknown}), IsError(Errc::not_found));
}

TEST_F(TaskServiceTest, ATaskWithoutLogsHasAnEmptyPageOfThem) {
    EXPECT_THAT(service_.logs({.task = store(a_task())}), IsOkAnd(IsEmpty()));
}

TEST_F(TaskServiceTest, TheTrajectoryIsThatOfTheLastAttempt) {
    const auto waiting = store(a_task());
    EXPECT_THAT(service_.trajectory(waiting)->attempt, Eq(0));
    ASSERT_THAT(cancel(waiting), IsOk());
    const auto running = run(enroll(), a_task(1));
    const EventReport report{
        .task = running.id, .attempt = 1, .worker = kWorker, .events = {StepEvent{}}};
    ASSERT_THAT(storage_->runs().record({&report, 1}, {}), IsOk());
    EXPECT_THAT(service_.trajectory(running.id)->steps, SizeIs(1));
    const auto end = lost_to_infrastructure(running);
    ASSERT_THAT(storage_->runs().finish({&end, 1}, {}), IsOk());
    clock_.advance(std::chrono::minutes{1});
    const ClaimRequest again{.worker = kWorker};
    ASSERT_THAT(storage_->runs().claim({&again, 1}, {})->at(0), IsOkAnd(SizeIs(1)));

    const auto trajectory = service_.trajectory(running.id);

    ASSERT_THAT(trajectory, IsOk());
    EXPECT_THAT(trajectory->attempt, Eq(2));
    EXPECT_THAT(trajectory->steps, IsEmpty());
    EXPECT_THAT(service_.steps(running.id, 1), IsOkAnd(SizeIs(1)));
}

}  // namespace
}  // namespace opslab::testing
