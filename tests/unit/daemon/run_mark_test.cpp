#include "daemon/run_mark.hpp"

#include "plugin/crash_note.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace opslab::daemon {
namespace {

class RunMarkTest : public ::testing::Test {
protected:
    ~RunMarkTest() override { std::filesystem::remove_all(folder_); }

    static std::filesystem::path make_folder() {
        std::string pattern = ::testing::TempDir() + "opslab-mark-XXXXXX";
        return ::mkdtemp(pattern.data());
    }
    /// A process that ends in the middle of its work.
    void run_and_be_killed() const {
        const auto child = ::fork();
        if (child == 0) {
            const auto mark = RunMark::leave(folder_);
            ::_exit(0);  // nothing is destroyed
        }
        ::waitpid(child, nullptr, 0);
    }

    /// A process that a plugin ends.
    void run_and_crash(std::string_view doing) const {
        const auto child = ::fork();
        if (child == 0) {
            ::close(STDERR_FILENO);
            plugin::name_plugins_in_crashes();
            const auto mark = RunMark::leave(folder_);
            const plugin::CrashNote note{"runner-bad", doing};
            ::raise(SIGSEGV);
        }
        ::waitpid(child, nullptr, 0);
    }

    std::filesystem::path folder_ = make_folder();
};

TEST_F(RunMarkTest, AnOrderlyStopLeavesNothingAndTellsNothing) {
    EXPECT_FALSE(RunMark::leave(folder_ / "state").predecessor_was_killed());
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "state"));
    EXPECT_FALSE(RunMark::leave(folder_ / "state").predecessor_was_killed());
}

TEST_F(RunMarkTest, AKillIsToldOnceToTheNextStart) {
    run_and_be_killed();

    EXPECT_TRUE(RunMark::leave(folder_).predecessor_was_killed());
    EXPECT_FALSE(RunMark::leave(folder_).predecessor_was_killed());
}

#ifndef __SANITIZE_ADDRESS__  // with it the handler is not there
TEST_F(RunMarkTest, ThePluginThatCrashedItIsToldToTheNextStartAndNotToTheOneAfter) {
    run_and_crash("wait (runner bad, worker w, task t, attempt 1)");
    testing::CapturingLogger logger;
    {
        const auto next = RunMark::leave(folder_);
        next.tell_of_killed("worker", logger);
        ASSERT_EQ(next.crashes().size(), 1U);
        EXPECT_EQ(next.crashes().front().signal, "SIGSEGV");
        EXPECT_EQ(next.crashes().front().call, "wait");
    }
    EXPECT_THAT(
        logger.text(),
        ::testing::HasSubstr("crash=SIGSEGV in wait (runner bad, worker w, task t, attempt 1)")
    );
    EXPECT_THAT(RunMark::leave(folder_).crashes(), ::testing::IsEmpty());
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(RunMarkTest, CrashesAreKnownUntilAnOrderlyStopAndToldOnce) {
    run_and_crash("destroy (runner bad, worker w, task t, attempt 1)");
    run_and_crash("destroy (runner bad, worker w, task u, attempt 2)");
    run_and_be_killed();
    testing::CapturingLogger logger;

    const auto next = RunMark::leave(folder_);
    next.tell_of_killed("worker", logger);

    ASSERT_EQ(next.crashes().size(), 2U);
    EXPECT_TRUE(next.crashes()[0].was_in({{"worker", "w"}, {"task", "t"}, {"attempt", "1"}}));
    EXPECT_TRUE(next.crashes()[1].was_in({{"worker", "w"}, {"task", "u"}, {"attempt", "2"}}));
    EXPECT_THAT(logger.text(), ::testing::Not(::testing::HasSubstr("crash=")));
}
#endif

TEST_F(RunMarkTest, ANeighbourThatIsAtWorkWasNotKilled) {
    std::optional one{RunMark::leave(folder_)};
    std::optional two{RunMark::leave(folder_)};
    EXPECT_FALSE(two->predecessor_was_killed());

    run_and_be_killed();  // a third
    one.reset();

    EXPECT_FALSE(RunMark::leave(folder_).predecessor_was_killed());
    one.emplace(RunMark::leave(folder_));
    EXPECT_TRUE(RunMark::leave(folder_).predecessor_was_killed());
}

TEST_F(RunMarkTest, WhereNoFileCanBeMadeThereIsNoMark) {
    EXPECT_FALSE(RunMark::leave("/proc/nowhere").predecessor_was_killed());
}

}  // namespace
}  // namespace opslab::daemon
