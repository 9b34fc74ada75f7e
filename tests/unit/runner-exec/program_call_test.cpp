#include "program_call.hpp"

#include <opslab/testing/runner_conformance.hpp>

#include <signal.h>

#include <chrono>

namespace opslab::runner_exec {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using testing::FailsAs;
using ::testing::SizeIs;

RunnerResult<Called> call(
    const std::string& script, milliseconds patience = minutes{1}, Interrupt interrupt = {}
) {
    exec::ProcessSpec spec;
    spec.supervisor = OPSLAB_SUPERVISE;
    spec.program = "/bin/sh";
    spec.arguments = {"sh", "-c", script};
    spec.environment = {"PATH=/usr/bin:/bin"};
    spec.directory = "/";
    return call_program(spec, patience, interrupt);
}

TEST(ProgramCall, TellsTheEndAndWhatWasSaidOnStderr) {
    const auto called = call("echo out; echo 'no room' >&2; echo 'left on sda' >&2; exit 3");

    ASSERT_TRUE(called) << called.error().message;
    EXPECT_EQ(called->end, (RunEnd{EndKind::exited, 3}));
    EXPECT_EQ(called->last_words, "no room left on sda");
}

TEST(ProgramCall, TakesStdoutWhereNothingWasSaidOnStderr) {
    EXPECT_EQ(call("echo only this")->last_words, "only this");
    EXPECT_EQ(call("true")->last_words, "");
}

TEST(ProgramCall, TellsTheSignalThatEndedIt) {
    EXPECT_EQ(call("kill -9 $$")->end, (RunEnd{EndKind::signalled, SIGKILL}));
}

TEST(ProgramCall, KeepsNoMoreOfAFloodThanItsEnd) {
    const auto called = call("yes flood | head -n 8000000; echo the end");

    ASSERT_TRUE(called) << called.error().message;
    EXPECT_LE(called->last_words.size(), 1024U);
    EXPECT_THAT(called->last_words, ::testing::EndsWith("flood the end"));
}

TEST(ProgramCall, KillsWhatTakesTooLongAndNamesIt) {
    const auto called = call("trap '' TERM; sleep 1000", milliseconds{1000});

    ASSERT_THAT(called, FailsAs(RunnerErrc::infrastructure));
    EXPECT_EQ(called.error().message, "\"/bin/sh\" did not end within 1 s and was killed");
}

TEST(ProgramCall, IsOverWithTheProgramWhateverHoldsItsOutput) {
    const auto called = call("setsid sleep 1000 & echo done");

    ASSERT_TRUE(called) << called.error().message;
    EXPECT_EQ(called->end, (RunEnd{EndKind::exited, 0}));
    EXPECT_EQ(called->last_words, "done");
}

TEST(ProgramCall, IsInterruptedWhileTheProgramRuns) {
    testing::TestInterrupt interrupt;
    // nothing to wait for: it is looked at before and during the run
    interrupt.raise();

    EXPECT_THAT(call("sleep 1000", minutes{1}, interrupt.get()), FailsAs(RunnerErrc::interrupted));
}

TEST(LastWords, AreOneLineOfTextThatCanBeShown) {
    EXPECT_EQ(last_words_of("  a\tb\r\n\x1b[31mc\x7f\n\n"), "a b   [31mc");
    EXPECT_EQ(last_words_of("\n \n"), "");
    EXPECT_EQ(last_words_of(""), "");
}

TEST(LastWords, AreCutAtTheFrontBetweenCharacters) {
    std::string text(3, 'x');
    for (int i = 0; i < 600; ++i) {
        text += "é";
    }

    const std::string words = last_words_of(text);

    EXPECT_THAT(words, SizeIs(1024));
    EXPECT_EQ(words.substr(0, 2), "é");
    EXPECT_EQ(last_words_of(text + "z").substr(0, 2), "é");
}

}  // namespace
}  // namespace opslab::runner_exec
