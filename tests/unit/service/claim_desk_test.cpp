#include "service/claim_desk.hpp"

#include "absent_storage.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <future>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// An answer and the time at which it came.
struct Answered {
    Result<ClaimDesk::Claimed> result;
    SteadyTime at;
};

class ClaimDeskTest : public ServiceFixture {
protected:
    void open(ClaimDesk::Settings settings = {.poll = 1h}) {
        desk_ = std::make_unique<ClaimDesk>(away_, clock_, hub_, observer_, settings);
    }

    std::future<Answered> claim(
        const WorkerId& worker, Duration wait, int max = 1, ClaimDesk::Gone gone = nullptr
    ) {
        auto promise = std::make_shared<std::promise<Answered>>();
        desk_->claim(
            {.worker = worker, .max = max},
            wait,
            [this, promise](Result<ClaimDesk::Claimed> result) {
                promise->set_value({std::move(result), clock_.steady()});
            },
            std::move(gone)
        );
        return promise->get_future();
    }

    // and until the desk, the only one who waits on this clock, is done with the last one
    void wait_for_looks(int count) {
        tally_.wait_for("claim", count);
        clock_.wait_for_waiters(1);
    }

    AbsentStorage away_{*storage_, tally_};
    std::unique_ptr<ClaimDesk> desk_;
    const SteadyTime begin_ = clock_.steady();
};

TEST_F(ClaimDeskTest, ATaskThatIsThereIsGivenAtOnce) {
    open();
    enroll();
    const auto waiting = store(a_task());

    const auto answer = claim(kWorker, 30s).get();

    ASSERT_THAT(answer.result, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(answer.result->at(0).task.id, Eq(waiting));
}

TEST_F(ClaimDeskTest, AWaitingClaimIsWokenByASubmit) {
    open();
    enroll();
    auto answer = claim(kWorker, 30s);
    wait_for_looks(1);

    store(a_task());
    hub_.tasks_pending();

    const auto got = answer.get();
    EXPECT_THAT(got.result, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(got.at, Eq(begin_));
}

TEST_F(ClaimDeskTest, AWaitEndsEmptyAtItsTimeAndNotBefore) {
    open({.poll = 5s});
    enroll();
    auto answer = claim(kWorker, 30s);
    wait_for_looks(1);
    clock_.advance(29s);
    wait_for_looks(2);

    clock_.advance(1s);

    const auto got = answer.get();
    EXPECT_THAT(got.result, IsOkAnd(IsEmpty()));
    EXPECT_THAT(got.at, Eq(begin_ + 30s));
}

TEST_F(ClaimDeskTest, AClaimWithoutAWaitIsAnsweredAtOnce) {
    open();
    enroll();

    EXPECT_THAT(claim(kWorker, 0s).get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, AWorkerWithoutAFreeSlotGetsNothingAtOnce) {
    open();
    enroll();
    run(kWorker, a_task());
    store(a_task());

    EXPECT_THAT(claim(kWorker, 30s).get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, ThePollFindsWhatNobodyToldOf) {
    open({.poll = 5s});
    enroll();
    auto answer = claim(kWorker, 30s);
    wait_for_looks(1);
    store(a_task());

    clock_.advance(5s);

    EXPECT_THAT(answer.get().result, IsOkAnd(SizeIs(1)));
}

TEST_F(ClaimDeskTest, ARetryIsGivenAtItsTimeWithoutWaitingForThePoll) {
    open();
    enroll();
    const auto end = lost_to_infrastructure(run(kWorker, a_task(1)));
    const auto retried = storage_->runs().finish({&end, 1}, {})->at(0);
    ASSERT_THAT(retried, IsOk());
    auto answer = claim(kWorker, 30s);
    wait_for_looks(1);
    const auto back_off = *retried->not_before - clock_.now();

    desk_->look_again_at(*retried->not_before);
    clock_.advance(back_off);

    const auto got = answer.get();
    ASSERT_THAT(got.result, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(got.result->at(0).task.attempt, Eq(2));
    EXPECT_THAT(got.at, Eq(begin_ + back_off));
}

TEST_F(ClaimDeskTest, WhoHasWaitedLongerIsServedFirst) {
    open();
    enroll();
    enroll(WorkerId{"worker-002-kind"});
    auto first = claim(kWorker, 30s);
    wait_for_looks(1);
    auto second = claim(WorkerId{"worker-002-kind"}, 30s);
    wait_for_looks(2);

    store(a_task());
    hub_.tasks_pending();

    EXPECT_THAT(first.get().result, IsOkAnd(SizeIs(1)));
    clock_.advance(30s);
    EXPECT_THAT(second.get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, UnknownAndOfflineWorkersAreRefusedAtOnce) {
    open();
    ASSERT_THAT(storage_->workers().retire(enroll()), IsOk());

    EXPECT_THAT(claim(kWorker, 30s).get().result, IsError(Errc::conflict));
    EXPECT_THAT(claim(WorkerId{"worker-009-kind"}, 30s).get().result, IsError(Errc::not_found));
}

TEST_F(ClaimDeskTest, WaitsBeyondTheLimitAreRefused) {
    open({.poll = 1h, .waiting = 1});
    enroll();
    auto first = claim(kWorker, 30s);
    wait_for_looks(1);

    EXPECT_THAT(claim(kWorker, 30s).get().result, IsError(Errc::exhausted));
    EXPECT_THAT(tally_.of("waiting_claims"), Eq(1));
    desk_.reset();
    EXPECT_THAT(first.get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, ReleaseEndsTheWaitsOfThatWorkerAlone) {
    open();
    enroll();
    enroll(WorkerId{"worker-002-kind"});
    auto released = claim(kWorker, 30s);
    auto other = claim(WorkerId{"worker-002-kind"}, 30s);

    desk_->release(kWorker);

    const auto got = released.get();
    EXPECT_THAT(got.result, IsOkAnd(IsEmpty()));
    EXPECT_THAT(got.at, Eq(begin_));
    clock_.advance(30s);
    EXPECT_THAT(other.get().at, Eq(begin_ + 30s));
}

TEST_F(ClaimDeskTest, AReleaseWhileTheWorkerIsBeingServedIsNotLost) {
    away_.during_claim([this] { desk_->release(kWorker); });
    open();
    enroll();

    const auto got = claim(kWorker, 30s).get();

    EXPECT_THAT(got.result, IsOkAnd(IsEmpty()));
    EXPECT_THAT(got.at, Eq(begin_));
}

TEST_F(ClaimDeskTest, ATaskThatComesWithAReleaseIsNotGivenToTheReleased) {
    open();
    enroll();
    auto released = claim(kWorker, 30s);
    wait_for_looks(1);
    store(a_task());

    desk_->release(kWorker);

    EXPECT_THAT(released.get().result, IsOkAnd(IsEmpty()));
    EXPECT_THAT(claim(kWorker, 30s).get().result, IsOkAnd(SizeIs(1)));
}

TEST_F(ClaimDeskTest, AWorkerThatIsGoneIsGivenNothing) {
    open();
    enroll();
    enroll(WorkerId{"worker-002-kind"});
    const auto gone = std::make_shared<std::atomic<bool>>(false);
    auto of_gone = claim(kWorker, 30s, 1, gone);
    wait_for_looks(1);
    auto other = claim(WorkerId{"worker-002-kind"}, 30s);
    wait_for_looks(2);

    *gone = true;
    store(a_task());
    hub_.tasks_pending();

    EXPECT_THAT(other.get().result, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(of_gone.get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, AClosedDeskLetsNobodyWait) {
    open();
    enroll();
    auto waiting = claim(kWorker, 30s);

    desk_->close();

    EXPECT_THAT(waiting.get().result, IsOkAnd(IsEmpty()));
    EXPECT_THAT(claim(kWorker, 30s).get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, EverybodyIsAnsweredWhenTheDeskGoes) {
    open();
    enroll();
    auto waiting = claim(kWorker, 30s);

    desk_.reset();

    EXPECT_THAT(waiting.get().result, IsOkAnd(IsEmpty()));
}

TEST_F(ClaimDeskTest, AnAbsentDatabaseIsSaidToEverybodyWhoWaits) {
    open();
    enroll();
    auto waiting = claim(kWorker, 30s);
    wait_for_looks(1);
    away_.go_away(true);

    hub_.tasks_pending();

    EXPECT_THAT(waiting.get().result, IsError(Errc::unavailable));
    away_.go_away(false);
    store(a_task());
    EXPECT_THAT(claim(kWorker, 30s).get().result, IsOkAnd(SizeIs(1)));
}

}  // namespace
}  // namespace opslab::testing
