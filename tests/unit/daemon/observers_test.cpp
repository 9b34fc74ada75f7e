#include "daemon/observers.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>

#include <string>

namespace opslab {
namespace {

using std::chrono::seconds;
using testing::CapturingLogger;
using testing::FakeClock;
using ::testing::HasSubstr;

class CountedLogTest : public ::testing::Test {
protected:
    void say(const std::string& runner) {
        log(counted_, LogLevel::info, "message of a plugin", {{"runner", runner}});
    }
    std::size_t told_of(const std::string& runner) {
        std::size_t count = 0;
        for (const auto& line : inner_.lines()) {
            count +=
                line.message == "message of a plugin" && line.field("runner") == runner ? 1 : 0;
        }
        return count;
    }

    CapturingLogger inner_;
    FakeClock clock_;
    Metrics metrics_{"1.0.0", FakeClock::kStart};
    CountedLog counted_{inner_, clock_, metrics_};
};

TEST_F(CountedLogTest, ARunnerThatFloodsTheLogSilencesNoOther) {
    for (int i = 0; i < 1000; ++i) {
        say("loud");
    }
    say("quiet");

    EXPECT_EQ(told_of("loud"), CountedLog::kTold);
    EXPECT_EQ(told_of("quiet"), 1U);
}

TEST_F(CountedLogTest, WhatWasLeftOutIsCountedAndTheRunnerNamed) {
    for (std::uint64_t i = 0; i < CountedLog::kTold + 7; ++i) {
        say("loud");
    }
    clock_.advance(CountedLog::kWindow);
    say("loud");

    EXPECT_THAT(
        inner_.text(), HasSubstr("lines were left out of=message of a plugin count=7 runner=loud")
    );
}

class PluginMetricsTest : public ::testing::Test {
protected:
    CapturingLogger logger_;
    FakeClock clock_;
    Metrics metrics_{"1.0.0", FakeClock::kStart};
    PluginMetrics plugins_{metrics_, clock_, logger_, seconds{30}};
};

TEST_F(PluginMetricsTest, AnOverdueCallIsCountedAndNoLongerShownOnceItReturned) {
    const std::string labels = R"({call="destroy",plugin="runner-a"} )";
    {
        const plugin::CallWatch::Watched call{
            plugins_.watch(),
            {.plugin = "runner-a", .runner = "a", .call = "destroy", .due = plugin::Due::soon}};
        clock_.advance(seconds{30});
        plugins_.watch()->look();
        plugins_.watch()->look();

        EXPECT_THAT(metrics_.text(), HasSubstr("opslab_plugin_overdue_calls_total" + labels + "1"));
        EXPECT_THAT(metrics_.text(), HasSubstr("\nopslab_plugin_calls_overdue 1"));
    }
    EXPECT_THAT(metrics_.text(), HasSubstr("opslab_plugin_overdue_calls_total" + labels + "1"));
    EXPECT_THAT(metrics_.text(), HasSubstr("\nopslab_plugin_calls_overdue 0"));
}

}  // namespace
}  // namespace opslab
