// What the guard makes of a runner that breaks the rules (tests/plugins/runner-rude).
#include "base/log_scope.hpp"
#include "opened_runner.hpp"

#include <opslab/testing/matchers.hpp>

#include <stdexcept>

namespace opslab::plugin {
namespace {

using ::opslab::testing::IsErrorAnd;
using ::opslab::testing::IsOk;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const RunHandle kRun{"run"};
const WorkerId kWorker{"worker-001-rude"};

class GuardedRude : public ::testing::Test {
protected:
    Result<std::unique_ptr<Runner>> try_open(const std::string& manner) {
        return bench_.open("runner-rude", R"({"manner":")" + manner + "\"}");
    }

    std::unique_ptr<Runner> open(const std::string& manner) {
        auto opened = try_open(manner);
        if (!opened) {
            throw std::runtime_error(opened.error().message);
        }
        return std::move(*opened);
    }

    /// What every call of the runner comes to, in words; `CALL` stands for the call's own name.
    std::vector<std::string> all_failures(Runner& runner) {
        CollectingSink sink;
        std::vector<std::string> words;
        const auto add = [&](const std::string& call, const auto& result) {
            auto text = result ? "no failure"
                               : std::to_string(static_cast<int>(result.error().code)) + " " +
                                     result.error().message;
            if (const auto at = text.find(": " + call + ": "); at != std::string::npos) {
                text.replace(at + 2, call.size(), "CALL");
            }
            words.push_back(std::move(text));
        };
        add("start", runner.start(a_request("1.1"), {}));
        add("wait", runner.wait(kRun, std::nullopt, sink, {}));
        add("stop", runner.stop(kRun, std::chrono::milliseconds{1}));
        add("destroy", runner.destroy(kRun));
        add("list_owned", runner.list_owned(kWorker));
        add("health", runner.health());
        return words;
    }

    RunnerBench bench_{};
};

TEST_F(GuardedRude, ExceptionsOfEveryCallBecomeInternalErrorsWithItsNameAndTheCalls) {
    const auto runner = open("throws");

    EXPECT_THAT(
        all_failures(*runner),
        AllOf(SizeIs(6), Each("7 runner \"rude\": CALL: it threw: the plug was pulled"))
    );
}

TEST_F(GuardedRude, ThrownThingsThatAreNoExceptionsAreCaughtToo) {
    const auto runner = open("throws-a-number");

    EXPECT_THAT(
        all_failures(*runner),
        AllOf(SizeIs(6), Each("7 runner \"rude\": CALL: it threw an unknown exception"))
    );
}

TEST_F(GuardedRude, CodesOutsideTheEnumerationAreInternalErrors) {
    EXPECT_THAT(
        all_failures(*open("unknown-code")),
        Each("7 runner \"rude\": CALL: it answered 99, which is no result of the plugin ABI: who "
             "knows")
    );
    EXPECT_THAT(
        all_failures(*open("negative-code")),
        Each("7 runner \"rude\": CALL: it answered -1, which is no result of the plugin ABI: no "
             "reason "
             "given")
    );
}

TEST_F(GuardedRude, ReasonsAreMadeValidTextWithoutControlCharacters) {
    EXPECT_THAT(
        all_failures(*open("bad-bytes")), Each("3 runner \"rude\": no \uFFFD\uFFFD [31m\uFFFDdisk")
    );
}

TEST_F(GuardedRude, ReasonsAreCutAtTheirLimit) {
    const auto failures = all_failures(*open("endless-error"));

    EXPECT_THAT(failures, Each(AllOf(StartsWith("2 runner \"rude\": xxx"), EndsWith("x…"))));
    EXPECT_THAT(failures, Each(SizeIs(Le(kMaxErrorBytes + 40))));
}

TEST_F(GuardedRude, AHandleOfFourKibibytesIsTaken) {
    const auto started = open("largest-handle")->start(a_request("1.1"), {});

    ASSERT_TRUE(started);
    EXPECT_THAT(started->text, SizeIs(4096));
}

TEST_F(GuardedRude, ARunWhoseHandleCannotBeKeptIsDestroyed) {
    for (const auto& [manner, bytes] :
         {std::pair{"large-handle", "4097"}, std::pair{"bad-handle", "5"}}) {
        const auto runner = open(manner);

        const auto started = runner->start(a_request("1.1"), {});

        ASSERT_FALSE(started);
        EXPECT_EQ(
            started.error(),
            (RunnerError{
                RunnerErrc::internal,
                "runner \"rude\": start: it gave a handle that is over 4096 bytes or no UTF-8 text"}
            )
        );
        EXPECT_EQ(*runner->health(), "destroyed " + std::string{bytes} + " bytes \uFFFD");
    }
}

TEST_F(GuardedRude, AHandleBeyondAllBoundsOrNoneIsRefusedWithoutACallOfDestroy) {
    // half a handle might be another run's
    for (const char* manner : {"huge-handle", "no-handle"}) {
        const auto runner = open(manner);

        const auto started = runner->start(a_request("1.1"), {});

        ASSERT_FALSE(started);
        EXPECT_EQ(started.error().code, RunnerErrc::internal);
        EXPECT_EQ(*runner->health(), "destroyed 0 bytes \uFFFD");
    }
}

TEST_F(GuardedRude, AWayToEndThatIsNoneIsRefused) {
    CollectingSink sink;

    const auto ended = open("unknown-end")->wait(kRun, std::nullopt, sink, {});

    ASSERT_FALSE(ended);
    EXPECT_EQ(
        ended.error().message,
        "runner \"rude\": wait: it says that the run ended in way 4, wanted 1 (exited), 2 "
        "(signalled) or "
        "3 (out of memory)"
    );
}

TEST_F(GuardedRude, ASinkThatSaidLeaveOffIsNotCalledAgain) {
    CollectingSink sink{1};

    const auto ended = open("deaf")->wait(kRun, std::nullopt, sink, {});

    EXPECT_TRUE(ended);
    EXPECT_THAT(sink.lines, ElementsAre("out again"));
}

TEST_F(GuardedRude, OutputIsHeldToItsBounds) {
    CollectingSink sink;

    const auto ended = open("floods")->wait(kRun, std::nullopt, sink, {});

    EXPECT_TRUE(ended);
    const std::string cut = "out " + std::string(20, 'l') + " (cut)";
    EXPECT_THAT(sink.lines, ElementsAre(cut, cut, "err "));
    EXPECT_THAT(sink.sizes, ElementsAre(kMaxLineBytes, kMaxLineBytes, 0U));
    EXPECT_THAT(sink.positions, IsEmpty());
    EXPECT_TRUE(bench_.logger.has("an event over 1 MiB was taken as output"));
    EXPECT_TRUE(bench_.logger.has("a position that is over 4 KiB or no text was dropped"));
}

TEST_F(GuardedRude, ASinkThatThrowsEndsTheWaitAndNothingPassesThroughThePlugin) {
    class ThrowingSink final : public RunSink {
        SinkAnswer event(std::string_view) override { throw std::runtime_error("no"); }
        SinkAnswer output(OutputStream, std::string_view, bool) override {
            throw std::runtime_error("no");
        }
        SinkAnswer position(std::string_view) override { throw std::runtime_error("no"); }
    } sink;

    const auto ended = open("deaf")->wait(kRun, std::nullopt, sink, {});

    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().message, "runner \"rude\": the host failed to take the run's output");
}

TEST_F(GuardedRude, OwnedRunsWithoutAUsableHandleAreLeftOutAndTold) {
    const auto owned = open("polite")->list_owned(kWorker);

    ASSERT_TRUE(owned);
    EXPECT_THAT(*owned, ElementsAre(OwnedRun{"1.1", {"good"}}, OwnedRun{"", {"nameless"}}));
    EXPECT_THAT(bench_.logger.text(), HasSubstr("plugin=runner-rude runner=rude count=4"));
}

TEST_F(GuardedRude, TextWithANulNeverCrossesBecauseTheRestWouldBeLost) {
    const auto runner = open("polite");
    const std::string nul(1, '\0');
    const auto words = [](const auto& result) {
        return result ? std::string{"taken"} : result.error().message;
    };
    CollectingSink sink;
    auto request = a_request("1.1");
    request.problem_id = "easy" + nul + "hard";

    EXPECT_EQ(words(runner->start(request, {})), "runner \"rude\": the problem_id holds a NUL");
    request = a_request("1.1" + nul);
    EXPECT_EQ(words(runner->start(request, {})), "runner \"rude\": the run_id holds a NUL");
    request = a_request("1.1");
    request.task_json += nul;
    EXPECT_EQ(words(runner->start(request, {})), "runner \"rude\": the task holds a NUL");
    EXPECT_EQ(
        words(runner->wait({"run" + nul}, std::nullopt, sink, {})),
        "runner \"rude\": the handle holds a NUL"
    );
    EXPECT_EQ(
        words(runner->wait(kRun, nul, sink, {})), "runner \"rude\": the position holds a NUL"
    );
    EXPECT_EQ(words(runner->stop({"run" + nul}, {})), "runner \"rude\": the handle holds a NUL");
    EXPECT_EQ(words(runner->destroy({"run" + nul})), "runner \"rude\": the handle holds a NUL");
    EXPECT_EQ(
        words(runner->list_owned(WorkerId{nul})), "runner \"rude\": the worker_id holds a NUL"
    );
    // only the calls that went through were calls
    EXPECT_THAT(bench_.calls(), ElementsAre(RunnerBench::Call{"runner-rude", "create", true}));
}

TEST_F(GuardedRude, CallsAreObservedWithWhetherThePluginFailed) {
    const auto runner = open("throws");
    static_cast<void>(runner->stop(kRun, {}));
    const auto other = open("endless-error");
    static_cast<void>(other->destroy(kRun));

    EXPECT_THAT(
        bench_.calls(),
        ElementsAre(
            RunnerBench::Call{"runner-rude", "create", true},
            RunnerBench::Call{"runner-rude", "stop", false},
            RunnerBench::Call{"runner-rude", "create", true},
            RunnerBench::Call{"runner-rude", "destroy", true}  // an answer: E_TASK
        )
    );
}

TEST_F(GuardedRude, UnderAnotherNameBothAreNamedAndSoIsWhoseCallItIs) {
    bench_.runner_name = "spare";
    const auto runner = open("throws");

    EXPECT_EQ(
        runner->destroy(kRun).error().message,
        "runner \"spare\" (plugin rude): destroy: it threw: the plug was pulled"
    );
    EXPECT_THAT(
        try_open("no-start"),
        IsErrorAnd(
            Errc::unsupported,
            "runner \"spare\" (plugin rude): its table lacks the function start, which is required"
        )
    );
    {
        const LogScope scope(std::vector<LogField>{{"task", "t1"}});
        CollectingSink sink;
        static_cast<void>(open("floods")->wait(kRun, std::nullopt, sink, {}));
    }
    EXPECT_THAT(
        bench_.logger.text(),
        HasSubstr("an event over 1 MiB was taken as output plugin=runner-rude runner=spare task=t1")
    );
}

TEST_F(GuardedRude, WhatItThrowsWhileBeingClosedIsLogged) {
    open("throws-in-close").reset();

    EXPECT_TRUE(bench_.logger.has("a plugin threw while being closed"));
}

TEST_F(GuardedRude, FailuresToCreateCarryItsNameAndItsWords) {
    EXPECT_THAT(
        try_open("throws-in-create"),
        IsErrorAnd(Errc::internal, "runner \"rude\": it threw while being created: born broken")
    );
    EXPECT_THAT(
        try_open("throws-a-number-in-create"),
        IsErrorAnd(
            Errc::internal, "runner \"rude\": it threw an unknown exception while being created"
        )
    );
    EXPECT_THAT(
        try_open("declines"),
        IsErrorAnd(Errc::unavailable, "runner \"rude\": no engine at /run/engine.sock")
    );
    EXPECT_THAT(
        try_open("declines-without-words"),
        IsErrorAnd(Errc::unsupported, "runner \"rude\": no reason given")
    );
}

TEST_F(GuardedRude, ATableThatIsNotWholeIsRefused) {
    EXPECT_THAT(
        try_open("no-start"),
        IsErrorAnd(
            Errc::unsupported,
            "runner \"rude\": its table lacks the function start, which is required"
        )
    );
    EXPECT_THAT(
        try_open("no-close"),
        IsErrorAnd(
            Errc::unsupported,
            "runner \"rude\": its table lacks the function close, which is required"
        )
    );
    EXPECT_THAT(
        try_open("short-table"),
        IsErrorAnd(
            Errc::unsupported,
            "runner \"rude\": its table has 16 bytes, wanted 88"  // those of version 1.0
        )
    );
}

TEST_F(GuardedRude, SettingsThatDoNotFitTheSchemaNeverReachIt) {
    EXPECT_THAT(
        bench_.open("runner-rude", "{}"),
        IsErrorAnd(
            Errc::invalid_argument,
            "runner \"rude\": its settings are wrong: manner: missing, expected a string"
        )
    );
    EXPECT_THAT(bench_.calls(), IsEmpty());
}

}  // namespace
}  // namespace opslab::plugin
