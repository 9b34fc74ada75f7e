// Runner conformance: how runs start, end, are stopped and cleaned up.
#include <opslab/testing/runner_conformance.hpp>

#include <signal.h>

#include <chrono>
#include <future>

namespace opslab::testing {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RunnerConformance);

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST_P(RunnerConformance, HealthOfAWorkingPlaceIsALineOfText) {
    const auto health = runner().health();

    ASSERT_THAT(health, Succeeds());
    EXPECT_THAT(*health, Not(AnyOf(StartsWith("\n"), EndsWith("\n"), HasSubstr("\n\n"))));
}

TEST_P(RunnerConformance, ProblemsThatAreKnownAreAnObjectAndLookingLeavesNothing) {
    for (int i = 0; i < 2; ++i) {
        const auto problems = runner().problems(worker());

        ASSERT_THAT(problems, Succeeds());
        if (*problems) {
            EXPECT_THAT(**problems, HasSubstr("\"problems\""));
            EXPECT_THAT(**problems, StartsWith("{"));
        }
    }
    EXPECT_THAT(*runner().list_owned(worker()), IsEmpty());
}

TEST_P(RunnerConformance, ExitCodesAreTold) {
    for (const int code : {0, 1, 3, 137}) {
        RecordingSink sink;
        EXPECT_THAT(
            play(R"({"mode":"exit","exit_code":)" + std::to_string(code) + "}", sink),
            ExitedWith(code)
        );
    }
}

TEST_P(RunnerConformance, ExitAfterAResultIsToldWithTheResult) {
    RecordingSink sink;

    EXPECT_THAT(play(R"({"mode":"fail","exit_code":9})", sink), ExitedWith(9));

    EXPECT_THAT(sink.events(), Contains(HasSubstr(R"("type":"result","success":false)")));
}

TEST_P(RunnerConformance, CrashIsToldAsItsSignal) {
    RecordingSink sink;

    EXPECT_THAT(play(R"({"mode":"crash"})", sink), DiedBy(SIGSEGV));

    EXPECT_THAT(sink.events(), Contains(HasSubstr(R"("step":1)")));
}

TEST_P(RunnerConformance, WaitAfterTheEndSaysTheSameAgain) {
    const RunHandle handle = started(request(R"({"mode":"exit","exit_code":5})"));
    RecordingSink first;
    RecordingSink second;

    EXPECT_THAT(runner().wait(handle, std::nullopt, first, Interrupt{}), ExitedWith(5));
    EXPECT_THAT(runner().wait(handle, first.last_position(), second, Interrupt{}), ExitedWith(5));
}

TEST_P(RunnerConformance, StartThatCannotFindItsDriverIsInfrastructureAndLeavesNothing) {
    if (!GetParam().open_without_driver) {
        GTEST_SKIP() << "no settings were given under which no driver can start";
    }
    auto broken = GetParam().open_without_driver(state_dir());
    ASSERT_THAT(broken, Succeeds());
    const RunRequest run = request();

    const auto handle = (*broken)->start(run, Interrupt{});

    EXPECT_THAT(handle, FailsAs(RunnerErrc::infrastructure));
    EXPECT_THAT(handle.error().message, Not(IsEmpty()));
    EXPECT_THAT((*broken)->list_owned(worker()).value(), IsEmpty());
    EXPECT_THAT(leftovers(run), IsEmpty());
}

TEST_P(RunnerConformance, IdsThatCouldBePathsAreRefused) {
    for (const char* id : {"", "..", "../a", "a/b", "A b", "a:b"}) {
        RunRequest run = request();
        run.run_id = id;
        EXPECT_THAT(runner().start(run, Interrupt{}), FailsAs(RunnerErrc::invalid)) << id;
    }
    RunRequest run = request();
    run.slot.worker = WorkerId{"../../worker"};
    EXPECT_THAT(runner().start(run, Interrupt{}), FailsAs(RunnerErrc::invalid));
}

TEST_P(RunnerConformance, InterruptedStartLeavesNothing) {
    TestInterrupt interrupt;
    interrupt.raise();
    const RunRequest run = request(R"({"mode":"ignore_sigterm"})");

    const auto handle = runner().start(run, interrupt.get());

    EXPECT_THAT(handle, FailsAs(RunnerErrc::interrupted));
    EXPECT_THAT(runner().list_owned(worker()).value(), IsEmpty());
    EXPECT_THAT(leftovers(run), IsEmpty());
}

TEST_P(RunnerConformance, StopIsPoliteFirst) {
    const RunHandle handle = started(request(R"({"mode":"hang"})"));
    RecordingSink sink;
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    EXPECT_THAT(runner().stop(handle, seconds{30}), Succeeds());

    EXPECT_THAT(end.get(), ExitedWith(143));
    EXPECT_THAT(sink.events(), Contains(HasSubstr(R"("name":"teardown","state":"end")")));
}

TEST_P(RunnerConformance, StopUsesForceAfterTheGrace) {
    const RunHandle handle = started(request(R"({"mode":"ignore_sigterm"})"));
    RecordingSink sink;
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    EXPECT_THAT(runner().stop(handle, milliseconds{50}), Succeeds());

    EXPECT_THAT(end.get(), DiedBy(SIGKILL));
}

TEST_P(RunnerConformance, StopOfWhatHasEndedOrIsGoneIsFine) {
    const RunHandle handle = started(request());
    RecordingSink sink;
    ASSERT_THAT(runner().wait(handle, std::nullopt, sink, Interrupt{}), ExitedWith(0));

    EXPECT_THAT(runner().stop(handle, seconds{1}), Succeeds());
    EXPECT_THAT(runner().stop(handle, milliseconds{0}), Succeeds());
    EXPECT_THAT(runner().destroy(handle), Succeeds());
    EXPECT_THAT(runner().stop(handle, seconds{1}), Succeeds());
}

TEST_P(RunnerConformance, DestroyLeavesNothingAndMayBeRepeated) {
    const RunRequest run = request();
    const RunHandle handle = started(run);
    RecordingSink sink;
    ASSERT_THAT(runner().wait(handle, std::nullopt, sink, Interrupt{}), ExitedWith(0));
    if (GetParam().leftovers_shows_runs) {
        EXPECT_THAT(leftovers(run), Not(IsEmpty())) << "the check itself sees nothing";
    }

    EXPECT_THAT(runner().destroy(handle), Succeeds());
    EXPECT_THAT(runner().destroy(handle), Succeeds());

    EXPECT_THAT(leftovers(run), IsEmpty());
    EXPECT_THAT(
        runner().wait(handle, std::nullopt, sink, Interrupt{}), FailsAs(RunnerErrc::not_found)
    );
}

TEST_P(RunnerConformance, DestroyEndsARunByForceUnderAWait) {
    const RunRequest run = request(R"({"mode":"ignore_sigterm"})");
    const RunHandle handle = started(run);
    RecordingSink sink;
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    EXPECT_THAT(runner().destroy(handle), Succeeds());

    EXPECT_THAT(end.get(), AnyOf(DiedBy(SIGKILL), FailsAs(RunnerErrc::not_found)));
    EXPECT_THAT(leftovers(run), IsEmpty());
}

TEST_P(RunnerConformance, ProcessesThatTheDriverLeftDoNotKeepTheRunAlive) {
    const RunRequest run = request(R"({"mode":"fork"})");
    const RunHandle handle = started(run);
    RecordingSink sink;

    EXPECT_THAT(runner().wait(handle, std::nullopt, sink, Interrupt{}), ExitedWith(0));
    EXPECT_THAT(sink.lines_of(OutputStream::out), ElementsAre(HasSubstr("children ")));
    EXPECT_THAT(runner().destroy(handle), Succeeds());

    EXPECT_THAT(leftovers(run), IsEmpty());
}

TEST_P(RunnerConformance, StopReachesProcessesThatLeftGroupAndSession) {
    const RunRequest run = request(R"({"mode":"fork","hang":true})");
    const RunHandle handle = started(run);
    RecordingSink sink;
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    EXPECT_THAT(runner().stop(handle, seconds{30}), Succeeds());

    EXPECT_THAT(end.get(), ExitedWith(143));
    EXPECT_THAT(runner().destroy(handle), Succeeds());
    EXPECT_THAT(leftovers(run), IsEmpty());
}

TEST_P(RunnerConformance, OwnedRunsAreThoseOfTheWorkerUntilDestroyed) {
    const RunRequest first = request();
    const RunRequest second = request(R"({"mode":"hang"})");
    RunRequest foreign = request();
    foreign.slot.worker = WorkerId{"worker-002-conformance"};
    const RunHandle first_handle = started(first);
    const RunHandle second_handle = started(second);
    const RunHandle foreign_handle = started(foreign);

    const OwnedRun first_owned{first.run_id, first_handle};
    const OwnedRun second_owned{second.run_id, second_handle};
    EXPECT_THAT(
        runner().list_owned(worker()).value(),
        ::testing::UnorderedElementsAre(first_owned, second_owned)
    );
    EXPECT_THAT(runner().destroy(first_handle), Succeeds());
    EXPECT_THAT(runner().list_owned(worker()).value(), ElementsAre(second_owned));
    EXPECT_THAT(
        runner().list_owned(foreign.slot.worker).value(),
        ElementsAre(OwnedRun{foreign.run_id, foreign_handle})
    );
}

TEST_P(RunnerConformance, SuccessorOfAKilledHostFindsItsRunsAndLeavesNothing) {
    const RunRequest run = request(R"({"mode":"fork","hang":true})");
    const RunHandle handle = start_in_host_that_dies(run);

    const auto owned = runner().list_owned(worker());
    ASSERT_THAT(owned, Succeeds());
    ASSERT_THAT(*owned, ElementsAre(OwnedRun{run.run_id, handle}));
    EXPECT_THAT(runner().destroy(owned->front().handle), Succeeds());

    EXPECT_THAT(leftovers(run), IsEmpty());
    EXPECT_THAT(runner().list_owned(worker()).value(), IsEmpty());
}

TEST_P(RunnerConformance, RunOfAKilledHostGoesOnExactlyWhereTheRunnerSaysSo) {
    const RunRequest run = request(R"({"step_ms":20})");
    const RunHandle handle = start_in_host_that_dies(run);
    RecordingSink sink;

    const auto end = runner().wait(handle, std::nullopt, sink, Interrupt{});

    if (GetParam().runs_outlive_host) {
        EXPECT_THAT(end, ExitedWith(0));
        ASSERT_THAT(sink.events(), SizeIs(17));
        EXPECT_EQ(sink.events().back(), R"({"type":"clean"})");
    } else {
        EXPECT_THAT(end, FailsAs(RunnerErrc::not_found));
    }
}

}  // namespace
}  // namespace opslab::testing
