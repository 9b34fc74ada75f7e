#include "worker/lease.hpp"

#include "unit/worker/fake_port.hpp"
#include "unit/worker/fake_runner.hpp"
#include "worker/worker_loop.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <variant>

namespace opslab {
namespace {

using namespace std::chrono_literals;
using opslab::testing::CapturingLogger;
using opslab::testing::FakeClock;
using opslab::testing::FakePort;
using opslab::testing::FakeRunner;

constexpr const char* kStoodStill =
    "this worker stood still for a while (frozen, or a machine that is too busy); leases may have "
    "run "
    "out meanwhile";

class LeaseTest : public ::testing::Test {
protected:
    ~LeaseTest() override {
        loop_.reset();
        std::filesystem::remove_all(folder_);
    }

    void start(Duration lease = 60s) {
        WorkerLoop::Settings settings;
        settings.identity.id = WorkerId{"worker-001-fake"};
        settings.identity.backend_type = "fake";
        settings.identity.max_parallel_tasks = 1;
        settings.lease = lease;
        settings.notes = &notes_;
        loop_ = std::make_unique<WorkerLoop>(port_, runner_, clock_, logger_, settings);
        loop_->start();
    }
    /// A run that goes on until it is stopped or left, and then ends without a result.
    void run_until_stopped() {
        runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
            static_cast<void>(run.until_stopped());
            return RunEnd{EndKind::signalled, 15};
        });
        port_.offer("t1");
    }
    static std::filesystem::path make_folder() {
        std::string pattern = ::testing::TempDir() + "opslab-leases-XXXXXX";
        return ::mkdtemp(pattern.data());
    }
    void wait_for_end_of_t1() {
        while (port_.ends() == 0) {
            clock_.advance(1s);
        }
    }

    FakeClock clock_;
    CapturingLogger logger_;
    FakePort port_;
    FakeRunner runner_;
    std::filesystem::path folder_ = make_folder();
    LeaseNotes notes_{folder_};
    std::unique_ptr<WorkerLoop> loop_;
};

TEST_F(LeaseTest, CountsFromTheMomentBeforeItWasAskedFor) {
    const auto asked = clock_.steady();
    Lease lease(clock_, nullptr, "r", asked, 60s);
    clock_.advance(40s);
    EXPECT_TRUE(lease.held());
    EXPECT_EQ(lease.stop_at(), asked + 45s);
    EXPECT_EQ(lease.kill_at(), asked + 55s);

    lease.renewed(asked + 20s, 60s);
    lease.renewed(asked + 10s, 60s);  // its answer came later than that of the next

    EXPECT_EQ(lease.stop_at(), asked + 65s);
    clock_.advance(25s);
    EXPECT_FALSE(lease.held());
}

TEST_F(LeaseTest, AWorkerThatStoodStillSaysSo) {
    start(60s);
    clock_.wait_for_waiters(1);
    clock_.advance(30s);  // its next heartbeat is due
    EXPECT_FALSE(logger_.has(kStoodStill));

    while (!logger_.has(kStoodStill)) {
        clock_.advance(36s);
    }
}

TEST_F(LeaseTest, OfNoLengthNeverLapses) {
    const Lease lease(clock_, nullptr, "r", clock_.steady(), 0s);
    clock_.advance(std::chrono::hours{1000});
    EXPECT_TRUE(lease.held());
}

TEST_F(LeaseTest, ANoteSaysUntilWhenAndIsTakenOnce) {
    ASSERT_TRUE(notes_.note("r.1", SteadyTime{5s}).has_value());
    ASSERT_TRUE(notes_.note("r.1", SteadyTime{7s}).has_value());
    const auto notes = notes_.list();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].run_id, "r.1");
    EXPECT_EQ(notes[0].until, SteadyTime{7s});
    EXPECT_FALSE(notes[0].ended);

    EXPECT_TRUE(notes_.take(notes[0]));
    EXPECT_FALSE(notes_.take(notes[0]));
    EXPECT_TRUE(notes_.ended("r.1"));
    EXPECT_TRUE(notes_.list().at(0).ended);

    notes_.forget("r.1");
    EXPECT_TRUE(notes_.list().empty());
}

TEST_F(LeaseTest, ANoteThatWasRenewedMeanwhileIsNotTaken) {
    ASSERT_TRUE(notes_.note("r.1", SteadyTime{5s}).has_value());
    const auto read = notes_.list().at(0);
    ASSERT_TRUE(notes_.note("r.1", SteadyTime{9s}).has_value());

    EXPECT_FALSE(notes_.take(read));

    EXPECT_FALSE(notes_.ended("r.1"));
    EXPECT_EQ(notes_.list().at(0).until, SteadyTime{9s});
}

TEST_F(LeaseTest, ARunWhoseLeaseCannotBeRenewedIsStoppedInTimeAndToldAsLostLater) {
    run_until_stopped();
    start();
    runner_.wait_until_waiting("t1.1");
    port_.set_away(true);

    clock_.advance(44s);
    EXPECT_FALSE(runner_.was_stopped("t1.1"));
    clock_.advance(1s);
    while (!runner_.was_stopped("t1.1")) {
        std::this_thread::yield();
    }
    EXPECT_EQ(port_.ends(), 0U);

    port_.set_away(false);
    wait_for_end_of_t1();
    EXPECT_EQ(std::get<Failure>(port_.wait_for_end("t1").outcome).kind, FailureKind::worker_lost);
    runner_.wait_until_destroyed("t1.1");
}

TEST_F(LeaseTest, ARunThatHasNothingToTellKeepsItsLease) {
    run_until_stopped();
    start();
    runner_.wait_until_waiting("t1.1");
    for (int i = 0; i < 30; ++i) {
        const auto before = port_.reports();
        clock_.advance(10s);
        port_.wait_for_reports(before + 1);
    }
    EXPECT_FALSE(runner_.was_stopped("t1.1"));
}

TEST_F(LeaseTest, WhereNobodyElseCanGiveTheTaskAwayAnAbsenceOfAnyLengthIsSatOut) {
    run_until_stopped();
    start(0s);
    runner_.wait_until_waiting("t1.1");
    port_.set_away(true);
    clock_.advance(std::chrono::minutes{10});
    port_.set_away(false);
    clock_.advance(std::chrono::minutes{10});

    EXPECT_FALSE(runner_.was_stopped("t1.1"));
    EXPECT_TRUE(notes_.list().empty());
}

TEST_F(LeaseTest, NothingIsStartedUnderAClaimThatIsTooOldUntilItIsRenewed) {
    std::atomic<bool> ran{false};
    runner_.set_script([&](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        ran = true;
        return RunEnd{};
    });
    port_.make_stale("t1");
    start();
    port_.wait_for_claim();
    clock_.advance(46s);  // the claim waits
    port_.offer("t1");
    port_.wait_for_claim_of("t1");

    loop_->drain();
    EXPECT_TRUE(loop_->wait_until_idle(SteadyTime::max()));

    EXPECT_FALSE(ran);
    EXPECT_EQ(port_.ends(), 0U);
}

TEST_F(LeaseTest, ARunThatTheGuardEndedIsToldAsLostNotAsFailed) {
    runner_.set_script([&](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        EXPECT_TRUE(notes_.take(notes_.list().at(0)));
        return RunEnd{EndKind::signalled, 9};
    });
    port_.offer("t1");
    start();

    EXPECT_EQ(std::get<Failure>(port_.wait_for_end("t1").outcome).kind, FailureKind::worker_lost);
    runner_.wait_until_destroyed("t1.1");
    loop_->stop();
    EXPECT_TRUE(notes_.list().empty());
}

TEST_F(LeaseTest, AWorkerThatStopsWhileItsRunLapsesDoesNotWaitForTheCoordinator) {
    run_until_stopped();
    start();
    runner_.wait_until_waiting("t1.1");
    port_.set_away(true);
    clock_.advance(45s);
    while (!runner_.was_stopped("t1.1")) {
        std::this_thread::yield();
    }

    loop_->stop();

    EXPECT_EQ(port_.ends(), 0U);
    EXPECT_FALSE(runner_.exists("t1.1"));
}

}  // namespace
}  // namespace opslab
