#include "worker/worker_loop.hpp"

#include "base/system_clock.hpp"
#include "unit/worker/fake_port.hpp"
#include "unit/worker/fake_runner.hpp"

#include <opslab/testing/fakes.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <variant>

namespace opslab {
namespace {

using opslab::testing::CapturingLogger;
using opslab::testing::FakePort;
using opslab::testing::FakeRunner;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kResult = R"({"type":"result","success":true,"reward":1.0})";
constexpr const char* kStep = R"({"type":"step","step":1,"observation":"o","action":"a"})";
const RunEnd kFine{};

std::vector<std::string> log_messages(const std::vector<RunEvent>& events) {
    std::vector<std::string> messages;
    for (const auto& event : events) {
        if (const auto* log = std::get_if<LogEvent>(&event)) {
            messages.push_back(log->message);
        }
    }
    return messages;
}

RunnerResult<RunEnd> end_when_stopped(const FakeRunner::Run& run) {
    EXPECT_TRUE(run.until_stopped());
    return kFine;
}

/// Of the task `t1`, with nothing known of its run.
RunningAttempt running_attempt(int number) {
    RunningAttempt attempt;
    attempt.task.id = TaskId{"t1"};
    attempt.task.attempt = number;
    attempt.deadline = Timestamp::max();
    return attempt;
}

class WorkerLoopTest : public ::testing::Test {
protected:
    void start(int slots = 1, PluginCrashes crashes = {}) {
        WorkerLoop::Settings settings;
        settings.crashes = std::move(crashes);
        settings.max_log_bytes = max_log_bytes_;
        settings.identity.id = WorkerId{"worker-001-fake"};
        settings.identity.backend_type = "fake";
        settings.identity.max_parallel_tasks = slots;
        loop_ = std::make_unique<WorkerLoop>(port_, runner_, clock_, logger_, settings);
        loop_->start();
    }

    /// `t1`, which ends when it is stopped, until nothing of it is left.
    void cancel_a_run() {
        runner_.set_script(end_when_stopped);
        port_.offer("t1");
        start();
        runner_.wait_until_waiting("t1.1");
        port_.order_cancel("t1");
        runner_.wait_until_destroyed("t1.1");
    }

    Failure failure_of(const std::string& task) {
        return std::get<Failure>(port_.wait_for_end(task).outcome);
    }

    std::int64_t max_log_bytes_ = 0;
    SystemClock clock_;
    CapturingLogger logger_;
    FakePort port_;
    FakeRunner runner_;
    std::unique_ptr<WorkerLoop> loop_;  // last: it uses everything above
};

TEST_F(WorkerLoopTest, RunsAClaimedTaskToItsResultAndLeavesNothing) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->output(OutputStream::out, "hello", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    start();

    const auto end = port_.wait_for_end("t1");
    runner_.wait_until_destroyed("t1.1");

    EXPECT_TRUE(std::get<TaskResult>(end.outcome).success);
    EXPECT_THAT(log_messages(port_.events()), ElementsAre("hello"));
    EXPECT_FALSE(runner_.exists("t1.1"));
}

TEST_F(WorkerLoopTest, OutputIsDurableBeforeTheEndIsTold) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        for (int i = 0; i < 3000; ++i) {
            EXPECT_EQ(
                run.sink->output(OutputStream::out, std::to_string(i), false), SinkAnswer::go_on
            );
        }
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    start();

    port_.wait_for_end("t1");

    const auto messages = log_messages(port_.events());
    ASSERT_EQ(messages.size(), 3000U);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        EXPECT_EQ(messages[i], std::to_string(i));
    }
}

TEST_F(WorkerLoopTest, FillsItsSlotsAndNoMore) {
    std::atomic<int> at_once{0};
    std::atomic<int> most{0};
    std::atomic<bool> go_on{false};
    runner_.set_script([&](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        most = std::max(most.load(), ++at_once);
        go_on.wait(false);
        --at_once;
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    for (const auto* task : {"t1", "t2", "t3", "t4", "t5"}) {
        port_.offer(task);
    }
    start(3);
    runner_.wait_until_waiting("t3.1");

    go_on = true;
    go_on.notify_all();
    for (const auto* task : {"t1", "t2", "t3", "t4", "t5"}) {
        port_.wait_for_end(task);
    }

    EXPECT_LE(most, 3);
}

TEST_F(WorkerLoopTest, ACancelledRunIsStoppedAndNothingIsToldOfItsEnd) {
    cancel_a_run();

    EXPECT_TRUE(runner_.was_stopped("t1.1"));
    EXPECT_EQ(port_.ends(), 0U);
}

TEST_F(WorkerLoopTest, ARunThatCannotBeStoppedYetIsStoppedLater) {
    runner_.fail_stops(3);
    cancel_a_run();

    EXPECT_TRUE(runner_.was_stopped("t1.1"));
    EXPECT_EQ(port_.ends(), 0U);
}

TEST_F(WorkerLoopTest, ARunThatEndsMeanwhileIsStoppedNoMore) {
    runner_.fail_stops(1'000'000);
    std::atomic<bool> may_end = false;
    runner_.set_script([&](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        may_end.wait(false);
        return kFine;
    });
    port_.offer("t1");
    start();
    runner_.wait_until_waiting("t1.1");
    port_.order_cancel("t1");
    logger_.wait_for("a run cannot be stopped; trying on");

    may_end = true;
    may_end.notify_all();

    runner_.wait_until_destroyed("t1.1");
    EXPECT_FALSE(runner_.was_stopped("t1.1"));
}

TEST_F(WorkerLoopTest, ALostAttemptStopsTheRunPolitelyWhileItsOutputIsThrownAway) {
    port_.make_stale("t1");
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_TRUE(run.until_stopped());
        EXPECT_EQ(run.sink->output(OutputStream::out, "cleaning up", false), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    start();

    runner_.wait_until_destroyed("t1.1");

    EXPECT_EQ(port_.ends(), 0U);
    EXPECT_TRUE(port_.events().empty());
}

TEST_F(WorkerLoopTest, PastItsDeadlineARunIsStoppedAndItsStatusIsLeftToTheSweep) {
    runner_.set_script(end_when_stopped);
    port_.offer("t1", 1, clock_.now());
    start();

    runner_.wait_until_destroyed("t1.1");

    EXPECT_EQ(port_.ends(), 0U);
}

TEST_F(WorkerLoopTest, WhatADriverSaysOfBeingStoppedAtItsDeadlineIsNoFailureOfItsOwn) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_TRUE(run.until_stopped());
        EXPECT_EQ(
            run.sink->event(
                R"({"type":"error","kind":"infrastructure","message":"stopped by SIGTERM"})"
            ),
            SinkAnswer::go_on
        );
        return kFine;
    });
    port_.offer("t1", 1, clock_.now());
    start();

    runner_.wait_until_destroyed("t1.1");

    EXPECT_EQ(port_.ends(), 0U);
    EXPECT_THAT(log_messages(port_.events()), ElementsAre("stopped by SIGTERM"));
}

TEST_F(WorkerLoopTest, AClockAheadOfTheCoordinatorsEndsNoRunBeforeItsTime) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        static_cast<void>(run.sink->event(kResult));
        return kFine;
    });
    port_.offer("t1", 1, clock_.now() - std::chrono::hours{1}, 30);
    start();

    runner_.wait_until_destroyed("t1.1");

    EXPECT_FALSE(runner_.was_stopped("t1.1"));
    EXPECT_EQ(port_.ends(), 1U);
}

TEST_F(WorkerLoopTest, AFailedStartIsAnInfrastructureFailureInPrepare) {
    runner_.fail_start({RunnerErrc::infrastructure, "no image"});
    port_.offer("t1");
    start();

    EXPECT_EQ(failure_of("t1"), (Failure{FailureKind::infrastructure, "prepare", "no image"}));
}

TEST_F(WorkerLoopTest, ATaskThatCannotRunHereIsATaskFailure) {
    runner_.fail_start({RunnerErrc::task, "no such problem"});
    port_.offer("t1");
    start();

    EXPECT_EQ(failure_of("t1").kind, FailureKind::task);
}

TEST_F(WorkerLoopTest, AfterFiveFailedStartsTasksWaitUntilOneAloneWasTriedWithSuccess) {
    runner_.fail_start({RunnerErrc::infrastructure, "no image"});
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    for (const auto* task : {"t1", "t2", "t3", "t4", "t5", "t6", "t7"}) {
        port_.offer(task);
    }
    start();

    port_.wait_for_end("t5");
    port_.wait_for_circuit("no image");
    EXPECT_EQ(loop_->condition().circuit_open, "no image");
    EXPECT_EQ(port_.unclaimed(), 2U);

    runner_.recover();
    EXPECT_TRUE(std::holds_alternative<TaskResult>(port_.wait_for_end("t6").outcome));
    EXPECT_TRUE(std::holds_alternative<TaskResult>(port_.wait_for_end("t7").outcome));
    port_.wait_for_circuit(std::nullopt);
    EXPECT_TRUE(logger_.has("starts work again; tasks are claimed as before"));
}

TEST_F(WorkerLoopTest, WhatIsOutOfOrderByItsOwnWordFailsOneTaskAndTakesNoneBeforeItIsWell) {
    runner_.fail_start({RunnerErrc::infrastructure, "connection refused"});
    runner_.fail_health({RunnerErrc::infrastructure, "no engine answers"});
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    port_.offer("t2");
    start();

    port_.wait_for_end("t1");
    port_.wait_for_circuit("no engine answers");
    EXPECT_EQ(port_.unclaimed(), 1U);

    runner_.recover();
    EXPECT_TRUE(std::holds_alternative<TaskResult>(port_.wait_for_end("t2").outcome));
}

TEST_F(WorkerLoopTest, ATaskThatTheRunnersCheckRefusesIsNotStarted) {
    runner_.fail_check({RunnerErrc::task, "it needs a Docker engine"});
    port_.offer("t1");
    start();

    const auto failure = std::get<Failure>(port_.wait_for_end("t1").outcome);
    EXPECT_EQ(failure.kind, FailureKind::task);
    EXPECT_EQ(failure.message, "it needs a Docker engine");
    EXPECT_FALSE(runner_.exists("t1.1"));
}

TEST_F(WorkerLoopTest, ARunThatCannotBeRemovedYetIsRemovedLater) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    runner_.fail_destroys(2);
    port_.offer("t1");
    start();

    port_.wait_for_end("t1");
    runner_.wait_until_destroyed("t1.1");
    EXPECT_FALSE(runner_.exists("t1.1"));
}

TEST_F(WorkerLoopTest, AnExitWithoutResultFailsWithPhaseAndTheTailOfStderr) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(
            run.sink->event(R"({"type":"phase","name":"loop","state":"begin"})"), SinkAnswer::go_on
        );
        EXPECT_EQ(run.sink->output(OutputStream::err, "Traceback", false), SinkAnswer::go_on);
        return RunEnd{EndKind::exited, 3};
    });
    port_.offer("t1");
    start();

    const auto end = port_.wait_for_end("t1");

    EXPECT_EQ(
        std::get<Failure>(end.outcome),
        (Failure{
            FailureKind::task,
            "loop",
            "runner \"fake\": the driver exited with status 3 and gave no result"})
    );
    EXPECT_THAT(end.error_details, HasSubstr("Traceback"));
}

TEST_F(WorkerLoopTest, ADriverThatWasNeverRunIsNoFailureOfItsTask) {
    for (const bool has_spoken : {false, true}) {
        const std::string task = has_spoken ? "t2" : "t1";
        runner_.set_script([&](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
            EXPECT_EQ(run.sink->output(OutputStream::err, "exec failed", false), SinkAnswer::go_on);
            if (has_spoken) {
                EXPECT_EQ(run.sink->event(kStep), SinkAnswer::go_on);
            }
            return RunEnd{EndKind::exited, 127};
        });
        port_.offer(task);
        if (!has_spoken) {
            start();
        }

        EXPECT_EQ(
            failure_of(task).kind, has_spoken ? FailureKind::task : FailureKind::infrastructure
        );
        runner_.wait_until_destroyed(task + ".1");
    }
}

TEST_F(WorkerLoopTest, ARunThatSomebodyElseRemovedIsNoLostWorker) {
    runner_.set_script([](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        return runner_fail(RunnerErrc::not_found, "no such container");
    });
    port_.offer("t1");
    start();

    const auto failure = failure_of("t1");

    EXPECT_EQ(failure.kind, FailureKind::infrastructure);
    EXPECT_THAT(failure.message, HasSubstr("no such container"));
}

// Another worker may start the task the moment its failure is told.
TEST_F(WorkerLoopTest, ARunThatMayBeAliveIsEndedBeforeItsFailureIsTold) {
    runner_.set_script([](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        return runner_fail(RunnerErrc::infrastructure, "no engine answers");
    });
    runner_.fail_stops(3);
    port_.offer("t1");
    start();

    EXPECT_EQ(failure_of("t1").kind, FailureKind::infrastructure);
    EXPECT_TRUE(runner_.was_stopped("t1.1"));
}

TEST_F(WorkerLoopTest, APositionThatTheRunnerDoesNotKnowIsNoFailureOfTheTask) {
    runner_.own("t1.1");
    auto attempt = running_attempt(1);
    attempt.handle = write_bookmark({"t1.1", "of another version", 41});
    port_.set_running({attempt});
    runner_.set_script([](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        return runner_fail(RunnerErrc::invalid, "the position is none of this runner");
    });
    start();

    EXPECT_EQ(failure_of("t1").kind, FailureKind::infrastructure);
}

TEST_F(WorkerLoopTest, OutOfMemoryIsToldApart) {
    runner_.set_script([](const FakeRunner::Run&) -> RunnerResult<RunEnd> {
        return RunEnd{EndKind::out_of_memory, 9};
    });
    port_.offer("t1");
    start();

    EXPECT_THAT(failure_of("t1").message, HasSubstr("memory"));
}

TEST_F(WorkerLoopTest, TheFirstResultCountsAndInvalidEventsAreLogged) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        for (const auto* event :
             {kResult,
              R"({"type":"result","success":false})",
              R"({"type":"error","message":"x"})",
              "garbage"}) {
            EXPECT_EQ(run.sink->event(event), SinkAnswer::go_on);
        }
        return RunEnd{EndKind::exited, 1};
    });
    port_.offer("t1");
    start();

    const auto end = port_.wait_for_end("t1");

    EXPECT_TRUE(std::get<TaskResult>(end.outcome).success);
    EXPECT_THAT(
        log_messages(port_.events()),
        ElementsAre(
            "runner \"fake\": the driver gave a second result or error; ignored",
            "runner \"fake\": the driver gave a second result or error; ignored",
            StartsWith("runner \"fake\": the driver sent no valid event: ")
        )
    );
    runner_.wait_until_destroyed("t1.1");
    EXPECT_THAT(logger_.text(), HasSubstr("error=runner \"fake\": 3 events"));
}

TEST_F(WorkerLoopTest, WhileTheCoordinatorIsAwayTheRunGoesOnAndItsEventsComeLater) {
    port_.set_away(true);
    runner_.set_script([&](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->output(OutputStream::out, "one", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->output(OutputStream::out, "two", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    start();
    port_.wait_for_failed_report();

    port_.set_away(false);
    port_.wait_for_end("t1");

    EXPECT_THAT(log_messages(port_.events()), ElementsAre("one", "two"));
}

TEST_F(WorkerLoopTest, WhatKeepsItFromItsFirstClaimIsTold) {
    runner_.fail_lists({RunnerErrc::infrastructure, "no engine answers"});
    start();
    port_.wait_for_circuit("leftovers cannot be listed yet: no engine answers");

    runner_.recover();
    port_.wait_for_circuit(std::nullopt);
    port_.wait_for_claim();
}

TEST_F(WorkerLoopTest, WhatADeadRunLeftIsRemovedBeforeTheFirstClaim) {
    runner_.own("dead.1");
    start();

    runner_.wait_until_destroyed("dead.1");
}

TEST_F(WorkerLoopTest, ARunWhoseRemovalCrashedAPredecessorIsLeftAndTasksAreRun) {
    runner_.own("bad.1");
    runner_.own("worse.1");
    runner_.own("fine.11");
    const std::string mine = "destroy (runner fake, worker worker-001-fake, task ";
    start(
        1,
        {{"SIGSEGV", "destroy", mine + "bad, attempt 1)"},
         {"SIGSEGV", "destroy", mine + "fine, attempt 1)"},
         {"SIGSEGV", "destroy", mine + "worse, attempt 1)"}}
    );
    runner_.wait_until_destroyed("fine.11");
    port_.wait_for_claim();

    EXPECT_TRUE(runner_.exists("bad.1"));
    EXPECT_TRUE(runner_.exists("worse.1"));
    EXPECT_THAT(logger_.text(), HasSubstr("a run whose removal crashed the last worker is left"));
}

TEST_F(WorkerLoopTest, ARunnerThatCrashedAsItListedItsRunsIsNotAskedAgain) {
    port_.offer("t1");
    runner_.own("dead.1");
    start(1, {{"SIGSEGV", "list_owned", "list_owned (runner fake, worker worker-007-fake)"}});
    port_.wait_for_circuit(
        "its runner crashes: runner \"fake\": list_owned: it crashed its process (SIGSEGV)"
    );
    loop_->stop();

    EXPECT_EQ(port_.unclaimed(), 1U);
    EXPECT_TRUE(runner_.exists("dead.1"));
}

TEST_F(WorkerLoopTest, ARunOfThePredecessorIsFollowedFromWhereItsOutputWasStored) {
    runner_.own("t1.2");
    auto attempt = running_attempt(2);
    attempt.handle = write_bookmark({"t1.2", "line 7"});
    port_.set_running({attempt});
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.position, "line 7");
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    start();

    const auto end = port_.wait_for_end("t1");

    EXPECT_EQ(end.attempt, 2);
    EXPECT_TRUE(std::holds_alternative<TaskResult>(end.outcome));
}

TEST_F(WorkerLoopTest, ARunThatDidNotOutliveItsWorkerIsLost) {
    auto attempt = running_attempt(1);
    attempt.handle = write_bookmark({"t1.1", std::nullopt});
    port_.set_running({attempt});
    start();

    EXPECT_EQ(failure_of("t1").kind, FailureKind::worker_lost);
}

TEST_F(WorkerLoopTest, WhatIsReadAgainAfterAPickUpGetsTheSameNumbersAgain) {
    runner_.own("t1.1");
    auto attempt = running_attempt(1);
    attempt.handle = write_bookmark({"t1.1", "line 7", 41});
    attempt.last_seq = 44;  // three lines after the bookmark had arrived
    port_.set_running({attempt});
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->output(OutputStream::out, "line 8", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    start();

    port_.wait_for_end("t1");

    EXPECT_THAT(port_.first_seqs(), ElementsAre(42));
}

TEST_F(WorkerLoopTest, ARunStoresNoMoreLogThanItMayAndItsResultCounts) {
    max_log_bytes_ = 3 * (128 + 10);
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        for (int i = 0; i < 1000; ++i) {
            const auto line = fmt::format("line {:05}", i);
            EXPECT_EQ(run.sink->output(OutputStream::err, line, false), SinkAnswer::go_on);
        }
        EXPECT_EQ(run.sink->event(kStep), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->event("no event"), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    start();

    const auto end = port_.wait_for_end("t1");
    runner_.wait_until_destroyed("t1.1");

    EXPECT_TRUE(std::get<TaskResult>(end.outcome).success);
    EXPECT_THAT(
        log_messages(port_.events()),
        ElementsAre(
            "line 00000",
            "line 00001",
            "line 00002",
            "runner \"fake\": more log than max_log_bytes (414); what the run logs from here on is "
            "not kept"
        )
    );
    EXPECT_EQ(port_.events().size(), 4U + 1U + 2U);  // the step, and the ends of prepare
    EXPECT_THAT(logger_.text(), HasSubstr("runner \"fake\": 998 lines were left out"));
}

TEST_F(WorkerLoopTest, ASuccessorGoesOnCountingTheLogOfARun) {
    max_log_bytes_ = 1000;
    runner_.own("t1.1");
    auto attempt = running_attempt(1);
    attempt.handle =
        write_bookmark({.handle = "t1.1", .position = "a", .last_seq = 7, .log_bytes = 872});
    port_.set_running({attempt});
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->output(OutputStream::out, "", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->output(OutputStream::out, "too much", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->position("b"), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    start();

    port_.wait_for_end("t1");

    EXPECT_THAT(log_messages(port_.events()), ElementsAre("", HasSubstr("more log than")));
    EXPECT_EQ(read_bookmark(port_.handles().back())->log_bytes, 872 + 128 + 128 + 8);
}

TEST_F(WorkerLoopTest, TheBookmarkCountsWhatWasStoredAndStaysBeforeTheResult) {
    runner_.set_script([this](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->output(OutputStream::out, "one", false), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->position("after one"), SinkAnswer::go_on);
        port_.wait_for_events(3);  // the two ends of prepare, and the line
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        EXPECT_EQ(run.sink->position("after the result"), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t1");
    start();

    port_.wait_for_end("t1");

    const auto bookmark = read_bookmark(port_.handles().back());
    ASSERT_TRUE(bookmark.has_value());
    EXPECT_EQ(bookmark->position, "after one");
    EXPECT_EQ(bookmark->last_seq, 3);
}

TEST_F(WorkerLoopTest, ARunWhoseEventsAreRefusedIsStoppedAndFailsForTheInfrastructure) {
    port_.refuse_reports();
    runner_.set_script(end_when_stopped);
    port_.offer("t1", 1, clock_.now() + std::chrono::hours{1});
    start();

    const auto failure = failure_of("t1");

    EXPECT_EQ(failure.kind, FailureKind::infrastructure);
    EXPECT_THAT(failure.message, HasSubstr("no such event"));
}

TEST_F(WorkerLoopTest, AStopThatMeetsTheEndOfTheStartStopsTheRunOnce) {
    // the refusal of the first report comes about when the start returns: many tries, to meet it
    constexpr int kRuns = 300;
    port_.refuse_reports();
    runner_.set_script(end_when_stopped);
    for (int i = 0; i < kRuns; ++i) {
        port_.offer(fmt::format("t{}", i), 1, clock_.now() + std::chrono::hours{1});
    }
    start(4);

    for (int i = 0; i < kRuns; ++i) {
        EXPECT_EQ(failure_of(fmt::format("t{}", i)).kind, FailureKind::infrastructure);
    }
}

TEST_F(WorkerLoopTest, ATaskWhoseClaimWasNotAnsweredIsRunOnce) {
    auto attempt = running_attempt(1);
    port_.lose_next_claim(attempt);
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    port_.offer("t2");
    start();

    EXPECT_TRUE(std::holds_alternative<TaskResult>(port_.wait_for_end("t1").outcome));
    EXPECT_TRUE(std::holds_alternative<TaskResult>(port_.wait_for_end("t2").outcome));
    EXPECT_EQ(port_.ends(), 2U);
}

TEST_F(WorkerLoopTest, WhatFillsItsSlotsWithoutItsKnowingIsRun) {
    auto attempt = running_attempt(1);
    port_.fill_slots(attempt);
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_EQ(run.sink->event(kResult), SinkAnswer::go_on);
        return kFine;
    });
    start();

    EXPECT_TRUE(std::holds_alternative<TaskResult>(port_.wait_for_end("t1").outcome));
}

TEST_F(WorkerLoopTest, AStopLeavesRunsToTheSuccessor) {
    runner_.set_script([](const FakeRunner::Run& run) -> RunnerResult<RunEnd> {
        EXPECT_FALSE(run.until_stopped());
        return runner_fail(RunnerErrc::interrupted, "left off");
    });
    port_.offer("t1");
    start();
    runner_.wait_until_waiting("t1.1");

    loop_->stop();

    port_.wait_until_retired();
    EXPECT_TRUE(runner_.exists("t1.1"));
    EXPECT_FALSE(runner_.was_stopped("t1.1"));
    EXPECT_EQ(port_.ends(), 0U);
}

TEST_F(WorkerLoopTest, StopIsFineBeforeStartAndTwice) {
    WorkerLoop::Settings settings;
    settings.identity.id = WorkerId{"worker-002-fake"};
    WorkerLoop loop(port_, runner_, clock_, logger_, settings);

    loop.stop();
    loop.stop();
}

}  // namespace
}  // namespace opslab
