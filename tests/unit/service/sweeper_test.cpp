#include "service/sweeper.hpp"

#include "absent_storage.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Gt;
using ::testing::IsEmpty;

constexpr auto kAwayLine =
    "sweep failed; time-outs and lost workers wait until the storage answers";

class SweeperTest : public ServiceFixture {
protected:
    AbsentStorage away_{*storage_, tally_};
    std::vector<Timestamp> alarms_;
    Sweeper sweeper_{
        away_,
        clock_,
        logger_,
        hub_,
        observer_,
        [this](Timestamp when) { alarms_.push_back(when); },
        {.interval = 5s, .heartbeat_timeout = 60s}};
};

TEST_F(SweeperTest, ATimeOutIsPublished) {
    const auto running = run(enroll(), a_task());
    const auto of_task = hub_.on_task_changed(running.id, [&] { tally_.note("task"); });
    const auto of_worker = hub_.on_worker_should_look(kWorker, [&] { tally_.note("worker"); });
    const auto of_feed = hub_.on_attempt_finished([&] { tally_.note("feed"); });
    clock_.advance(30min);

    ASSERT_THAT(sweeper_.step(), IsOk());

    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::timeout));
    EXPECT_THAT(tally_.of("task"), Eq(1));
    EXPECT_THAT(tally_.of("worker"), Eq(1));
    EXPECT_THAT(tally_.of("feed"), Eq(1));
    EXPECT_TRUE(logger_.has("task timed out"));
}

TEST_F(SweeperTest, ALostRunIsPublishedAndItsRetryRings) {
    const auto running = run(enroll(), a_task(1));
    const auto of_task = hub_.on_task_changed(running.id, [&] { tally_.note("task"); });
    const auto of_claims = hub_.on_tasks_pending([&] { tally_.note("pending"); });
    clock_.advance(60s);

    ASSERT_THAT(sweeper_.step(), IsOk());

    EXPECT_THAT(tally_.of("task"), Eq(1));
    EXPECT_THAT(tally_.of("pending"), Eq(1));
    EXPECT_THAT(alarms_, ElementsAre(*task(running.id).not_before));
    EXPECT_THAT(alarms_, ElementsAre(Gt(clock_.now())));
    EXPECT_TRUE(logger_.has("worker lost; task will be retried"));
    EXPECT_TRUE(logger_.has("worker offline: no heartbeat"));
}

TEST_F(SweeperTest, ALostRunWithoutRetriesFailsAndRingsNot) {
    const auto running = run(enroll(), a_task());
    clock_.advance(60s);

    ASSERT_THAT(sweeper_.step(), IsOk());

    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::failed));
    EXPECT_THAT(alarms_, IsEmpty());
}

TEST_F(SweeperTest, AfterAFreezeLeasesGetOneMoreTimeOut) {
    const auto running = run(enroll(), a_task());
    sweeper_.start();
    tally_.wait_for("sweep done", 1);
    clock_.wait_for_waiters(1);

    clock_.advance(61s);  // in one go: nobody could do anything meanwhile
    tally_.wait_for("sweep done", 2);
    clock_.wait_for_waiters(1);
    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::running));

    for (int sweeps = 3; sweeps < 3 + 12; ++sweeps) {
        clock_.advance(5s);
        tally_.wait_for("sweep done", sweeps);
        clock_.wait_for_waiters(1);
    }
    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::failed));
    sweeper_.stop();
}

TEST_F(SweeperTest, NothingDueIsNotPublished) {
    run(enroll(), a_task());
    const auto of_claims = hub_.on_tasks_pending([&] { tally_.note("pending"); });
    const auto of_feed = hub_.on_attempt_finished([&] { tally_.note("feed"); });

    ASSERT_THAT(sweeper_.step(), IsOk());

    EXPECT_THAT(tally_.of("pending"), Eq(0));
    EXPECT_THAT(tally_.of("feed"), Eq(0));
}

// Workers could not beat while no coordinator was up.
TEST_F(SweeperTest, LeasesGetOneTimeOutOfGraceAfterAStart) {
    const auto running = run(enroll(), a_task());
    clock_.advance(10min);
    Sweeper restarted{
        away_, clock_, logger_, hub_, observer_, [](Timestamp) {}, {.heartbeat_timeout = 60s}};
    ASSERT_THAT(restarted.step(), IsOk());
    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::running));
    clock_.advance(60s);

    ASSERT_THAT(restarted.step(), IsOk());

    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::failed));
}

TEST_F(SweeperTest, OneStepEndsAllThatIsDueHoweverMany) {
    constexpr int kMoreThanOneCall = 501;
    enroll(kWorker, 1000);
    Submission batch;
    for (int i = 0; i < kMoreThanOneCall; ++i) {
        batch.tasks.push_back(a_task());
    }
    ASSERT_THAT(storage_->tasks().submit({&batch, 1}), IsOk());
    const ClaimRequest everything{.worker = kWorker, .max = 1000};
    ASSERT_THAT(storage_->runs().claim({&everything, 1}, {}), IsOk());
    clock_.advance(60s);

    ASSERT_THAT(sweeper_.step(), IsOk());

    EXPECT_THAT(storage_->tasks().counts()->tasks.failed, Eq(kMoreThanOneCall));
}

TEST_F(SweeperTest, TheLoopSweepsAtOnceAndThenAtEachInterval) {
    sweeper_.start();
    tally_.wait_for("swept", 1);
    clock_.wait_for_waiters(1);
    EXPECT_THAT(tally_.of("swept"), Eq(1));

    clock_.advance(5s);

    tally_.wait_for("swept", 2);
}

TEST_F(SweeperTest, AnAbsentDatabaseIsLoggedOnceAndSweptWhenItIsBack) {
    const auto running = run(enroll(), a_task());
    const auto of_task = hub_.on_task_changed(running.id, [&] { tally_.note("task"); });
    away_.go_away(true);
    sweeper_.start();
    for (int refused = 1; refused <= 3; ++refused) {
        tally_.wait_for("sweep refused", refused);
        clock_.wait_for_waiters(1);
        clock_.advance(5s);
    }
    away_.go_away(false);
    clock_.wait_for_waiters(1);
    clock_.advance(30min);
    tally_.wait_for("task", 1);
    sweeper_.stop();

    int lines = 0;
    for (const auto& line : logger_.lines()) {
        lines += line.message == kAwayLine ? 1 : 0;
    }
    EXPECT_THAT(lines, Eq(1));
    EXPECT_THAT(task(running.id).status, Eq(TaskStatus::timeout));
}

TEST_F(SweeperTest, StopIsFineBeforeAStartAndTwice) {
    sweeper_.stop();
    sweeper_.stop();
}

}  // namespace
}  // namespace opslab::testing
