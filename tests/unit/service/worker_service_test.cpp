#include "service/worker_service.hpp"

#include "service_fixture.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <future>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WorkerServiceTest : public ServiceFixture {
protected:
    std::future<Result<ClaimDesk::Claimed>> claim(const WorkerId& worker) {
        auto promise = std::make_shared<std::promise<Result<ClaimDesk::Claimed>>>();
        service_.claim({.worker = worker}, 30s, [promise](auto result) {
            promise->set_value(std::move(result));
        });
        return promise->get_future();
    }

    Result<Task> finish(const AttemptEnd& end) {
        return await_reply<Task>([&](Reply<Task> reply) { service_.finish(end, std::move(reply)); }
        );
    }

    Result<ReportReceipt> record(const EventReport& report) {
        return await_reply<ReportReceipt>([&](Reply<ReportReceipt> reply) {
            service_.record(report, std::move(reply));
        });
    }

    WorkerService service_{
        *storage_, clock_, entropy_, hub_, observer_, WorkerService::Settings{.claim_poll = 1h}};
};

TEST_F(WorkerServiceTest, ARetriedEndWakesAWaitingClaimAtItsTime) {
    const WorkerId waiting_worker{"worker-002-kind"};
    const auto running = run(enroll(), a_task(1));
    enroll(waiting_worker);
    auto waiting = claim(waiting_worker);
    tally_.wait_for("claim", 1);

    const auto retried = finish(lost_to_infrastructure(running));
    ASSERT_THAT(retried, IsOk());
    clock_.advance(*retried->not_before - clock_.now());

    const auto got = waiting.get();
    ASSERT_THAT(got, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(got->at(0).task.id, Eq(running.id));
}

TEST_F(WorkerServiceTest, AnEndIsPublished) {
    const auto running = run(enroll(), a_task());
    const auto of_task = hub_.on_task_changed(running.id, [&] { tally_.note("task"); });
    const auto of_feed = hub_.on_attempt_finished([&] { tally_.note("feed"); });
    const auto of_claims = hub_.on_tasks_pending([&] { tally_.note("pending"); });

    ASSERT_THAT(finish(lost_to_infrastructure(running)), IsOk());

    EXPECT_THAT(tally_.of("task"), Eq(1));
    EXPECT_THAT(tally_.of("feed"), Eq(1));
    EXPECT_THAT(tally_.of("pending"), Eq(1));
}

TEST_F(WorkerServiceTest, ARefusedEndIsNotPublished) {
    auto end = lost_to_infrastructure(run(enroll(), a_task()));
    end.attempt = 2;
    const auto of_feed = hub_.on_attempt_finished([&] { tally_.note("feed"); });

    EXPECT_THAT(finish(end), IsError(Errc::stale_attempt));

    EXPECT_THAT(tally_.of("feed"), Eq(0));
}

TEST_F(WorkerServiceTest, RecordedLogsGetIdsAndArePublished) {
    const auto running = run(enroll(), a_task());
    const auto of_task = hub_.on_task_changed(running.id, [&] { tally_.note("task"); });
    const EventReport report{
        .task = running.id, .attempt = 1, .worker = kWorker, .events = {LogEvent{}}};

    ASSERT_THAT(record(report), IsOk());

    const auto logs = storage_->history().logs({.task = running.id});
    ASSERT_THAT(logs, IsOkAnd(SizeIs(1)));
    EXPECT_TRUE(is_uuid(logs->at(0).log.id.value));
    EXPECT_THAT(tally_.of("task"), Eq(1));
    ASSERT_THAT(record({.task = running.id, .attempt = 1, .worker = kWorker}), IsOk());
    EXPECT_THAT(tally_.of("task"), Eq(1));
}

TEST_F(WorkerServiceTest, ARetiredWorkerWaitsNoLonger) {
    enroll();
    auto waiting = claim(kWorker);
    tally_.wait_for("claim", 1);

    ASSERT_THAT(service_.retire(kWorker), IsOk());

    // with nothing, or refused where it was looked at after it went offline; in any case now
    const auto got = waiting.get();
    if (got) {
        EXPECT_THAT(*got, IsEmpty());
    } else {
        EXPECT_THAT(got, IsError(Errc::conflict));
    }
}

}  // namespace
}  // namespace opslab::testing
