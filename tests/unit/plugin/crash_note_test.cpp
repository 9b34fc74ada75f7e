#include "plugin/crash_note.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <thread>

namespace opslab::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(CrashNote, IsTakenBackInReverseOrder) {
    EXPECT_THAT(calls_under_way(), IsEmpty());
    {
        const CrashNote outer{"runner-a", "start"};
        {
            const CrashNote inner{"storage-b", "claim"};
            EXPECT_THAT(
                calls_under_way(), UnorderedElementsAre("runner-a: start", "storage-b: claim")
            );
        }
        EXPECT_THAT(calls_under_way(), ElementsAre("runner-a: start"));
    }
    EXPECT_THAT(calls_under_way(), IsEmpty());
}

TEST(CrashNote, OfEveryThreadIsListedWhileItsCallIsUnderWay) {
    std::promise<void> entered;
    std::promise<void> leave;
    std::thread other([&] {
        const CrashNote note{"runner-slow", "wait"};
        entered.set_value();
        leave.get_future().wait();
    });
    entered.get_future().wait();
    const CrashNote mine{"runner-a", "stop"};

    EXPECT_THAT(calls_under_way(), UnorderedElementsAre("runner-slow: wait", "runner-a: stop"));

    leave.set_value();
    other.join();
    EXPECT_THAT(calls_under_way(), ElementsAre("runner-a: stop"));
}

#ifndef __SANITIZE_ADDRESS__  // with it the handler is not there
class CrashNoteDeath : public ::testing::Test {
protected:
    // a process of its own: threads of other tests may be there
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(CrashNoteDeath, NamesThePluginAndTheCallAndTheSignalStaysTheSame) {
    const auto crash = [] {
        name_plugins_in_crashes();
        const CrashNote outer{"runner-outer", "start"};
        const CrashNote note{"runner-bad", "prepare"};
        ::raise(SIGSEGV);
    };
    EXPECT_EXIT(
        crash(),
        ::testing::KilledBySignal(SIGSEGV),
        "opslab: the plugin runner-bad crashed this process \\(SIGSEGV\\) in prepare; a plugin that"
    );
}

TEST_F(CrashNoteDeath, NamesTheCallerAgainOnceTheInnerCallIsOver) {
    const auto crash = [] {
        name_plugins_in_crashes();
        const CrashNote outer{"runner-outer", "start"};
        { const CrashNote over{"storage-over", "claim"}; }
        std::abort();
    };
    EXPECT_EXIT(
        crash(), ::testing::KilledBySignal(SIGABRT), "the plugin runner-outer .*SIGABRT.* in start"
    );
}

TEST_F(CrashNoteDeath, BlamesNoPluginForTheCrashOfAnotherThread) {
    const auto crash = [] {
        name_plugins_in_crashes();
        std::promise<void> entered;
        std::thread waiting([&] {
            const CrashNote note{"runner-innocent", "wait"};
            entered.set_value();
            for (;;) {
                ::pause();
            }
        });
        entered.get_future().wait();
        ::raise(SIGBUS);
        waiting.join();
    };
    EXPECT_EXIT(crash(), ::testing::KilledBySignal(SIGBUS), "^$");
}

TEST_F(CrashNoteDeath, WritesALongNameCutAndStillDies) {
    const auto crash = [] {
        name_plugins_in_crashes();
        const std::string name(5000, 'n');
        const CrashNote note{name, "start"};
        ::raise(SIGFPE);
    };
    EXPECT_EXIT(crash(), ::testing::KilledBySignal(SIGFPE), "opslab: the plugin nnn");
}
#endif

}  // namespace
}  // namespace opslab::plugin
