#include "daemon/end_limit.hpp"

#include "plugin/crash_note.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>

namespace opslab::daemon {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using testing::CapturingLogger;
using testing::FakeClock;

/// To standard error, where a death test looks.
class LoudLogger final : public Logger {
public:
    void log(
        LogLevel level, std::string_view message, std::span<const LogField> fields
    ) noexcept override {
        std::fprintf(stderr, "%s: %s", to_string(level), std::string{message}.c_str());
        for (const LogField& field : fields) {
            std::fprintf(
                stderr, " %s=%s", std::string{field.name}.c_str(), std::string{field.value}.c_str()
            );
        }
        std::fputs("\n", stderr);
    }
};

class EndLimitTest : public ::testing::Test {
protected:
    // a process of its own for each death: this one has threads
    void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

[[noreturn]] void hang() {
    for (;;) {
        ::pause();
    }
}

TEST_F(EndLimitTest, ProcessThatComesToItsEndInTimeIsLeftAlone) {
    CapturingLogger logger;
    FakeClock clock;
    {
        const EndLimit limit{logger, clock, seconds{30}};
        clock.wait_for_waiters(1);
        clock.advance(seconds{30} - microseconds{1});
    }
    clock.advance(seconds{3600});

    EXPECT_TRUE(logger.lines().empty());
}

TEST_F(EndLimitTest, CallThatDoesNotReturnIsNamedAndEndsTheProcess) {
    const auto end = [] {
        LoudLogger logger;
        FakeClock clock;
        const EndLimit limit{logger, clock, seconds{30}};
        const plugin::CrashNote note{"runner-stuck", "destroy"};
        clock.advance(seconds{30});
        hang();
    };
    EXPECT_EXIT(
        end(),
        ::testing::ExitedWithCode(1),
        "critical: ended by force: calls into plugins do not return calls=runner-stuck: destroy"
    );
}

TEST_F(EndLimitTest, EndThatHangsElsewhereIsForcedToo) {
    const auto end = [] {
        LoudLogger logger;
        FakeClock clock;
        const EndLimit limit{logger, clock, seconds{30}};
        clock.advance(seconds{31});
        hang();
    };
    EXPECT_EXIT(end(), ::testing::ExitedWithCode(1), "calls=none");
}

}  // namespace
}  // namespace opslab::daemon
