#include "plugin/call_watch.hpp"

#include "base/log_scope.hpp"
#include "opened_runner.hpp"
#include "plugin/call_timer.hpp"
#include "plugin/run_sink_bridge.hpp"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <string>
#include <thread>

namespace opslab::plugin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Duration kPatience = seconds{30};

class Counts final : public OverdueListener {
public:
    void overdue(std::string_view, std::string_view) noexcept override { ++told; }
    void returned() noexcept override { ++back; }

    int told = 0;
    int back = 0;
};

class CallWatchTest : public ::testing::Test {
protected:
    /// The lines so far, each as `CALL SECONDS`, of calls that have not returned.
    std::vector<std::string> told() {
        std::vector<std::string> told;
        for (const auto& line : logger_.lines()) {
            if (line.message == "a call into a plugin has not returned") {
                told.push_back(line.field("call") + " " + line.field("seconds"));
            }
        }
        return told;
    }
    void look_after(Duration time) {
        clock_.advance(time);
        watch_.look();
    }
    static CallWatch::Subject call(std::string_view name, Due due) {
        return {.plugin = "runner-a", .runner = "gpu", .call = name, .due = due};
    }

    testing::FakeClock clock_;
    testing::CapturingLogger logger_;
    Counts counts_;
    CallWatch watch_{clock_, logger_, counts_, kPatience};
};

TEST_F(CallWatchTest, ACallThatOnlyLooksIsToldOnceItsTimeIsUp) {
    const LogScope scope(std::vector<LogField>{{"task", "t1"}});
    const CallWatch::Watched destroy{&watch_, call("destroy", Due::soon)};

    look_after(kPatience - std::chrono::microseconds{1});
    EXPECT_THAT(told(), IsEmpty());
    EXPECT_THAT(watch_.overdue(), IsEmpty());

    look_after(std::chrono::microseconds{1});
    EXPECT_THAT(
        logger_.text(),
        HasSubstr("a call into a plugin has not returned plugin=runner-a runner=gpu call=destroy "
                  "seconds=30 task=t1")
    );
    ASSERT_THAT(watch_.overdue(), SizeIs(1));
    EXPECT_EQ(watch_.overdue().front().age, kPatience);
    EXPECT_EQ(counts_.told, 1);
}

TEST_F(CallWatchTest, ItIsToldAgainAtGrowingIntervalsAndCountedOnce) {
    const CallWatch::Watched health{&watch_, call("health", Due::soon)};

    for (int minute = 0; minute < 600; ++minute) {
        look_after(seconds{30});
    }

    EXPECT_THAT(
        told(),
        ElementsAre(
            "health 30",
            "health 60",
            "health 120",
            "health 240",
            "health 480",
            "health 960",
            "health 1920",
            "health 3840",
            "health 7440",
            "health 11040",
            "health 14640"
        )
    );
    EXPECT_EQ(counts_.told, 1);
}

TEST_F(CallWatchTest, ThatItReturnedAfterAllIsToldAndNothingOfOneInTime) {
    std::optional<CallWatch::Watched> late;
    std::optional<CallWatch::Watched> in_time;
    late.emplace(&watch_, call("stop", Due::soon));
    in_time.emplace(&watch_, call("start", Due::later));
    look_after(kPatience);

    in_time.reset();
    EXPECT_EQ(counts_.back, 0);
    late.reset();
    EXPECT_EQ(counts_.back, 1);
    EXPECT_THAT(
        logger_.text(),
        HasSubstr("a call into a plugin has returned after all plugin=runner-a runner=gpu "
                  "call=stop seconds=30")
    );
    EXPECT_THAT(watch_.overdue(), IsEmpty());
}

TEST_F(CallWatchTest, WhatWaitsForTheWorldMayTakeLongerAndARunAsLongAsItTakes) {
    const CallWatch::Watched start{&watch_, call("start", Due::later)};
    const CallWatch::Watched wait{&watch_, call("wait", Due::when_asked)};
    const CallWatch::Watched open{&watch_, call("open", Due::never)};

    look_after(CallWatch::kLater * kPatience - seconds{1});
    EXPECT_THAT(told(), IsEmpty());
    look_after(seconds{1});
    EXPECT_THAT(told(), ElementsAre("start 600"));
    look_after(hours{1});
    EXPECT_THAT(told(), ElementsAre("start 600", "start 4200"));
}

TEST_F(CallWatchTest, OnceAskedToEndEveryCallIsDueSoon) {
    const int interrupt = ::eventfd(0, EFD_CLOEXEC);
    auto start = call("start", Due::later);
    start.interrupt = interrupt;
    const CallWatch::Watched starting{&watch_, start};
    CallWatch::Watched waiting{&watch_, call("wait", Due::when_asked)};
    look_after(minutes{1});

    ASSERT_EQ(::eventfd_write(interrupt, 1), 0);
    waiting.asked_to_end(seconds{10});
    EXPECT_EQ(watch_.look(), clock_.steady() + kPatience);
    look_after(kPatience);
    EXPECT_THAT(told(), ElementsAre("start 90"));
    look_after(seconds{10});
    EXPECT_THAT(told(), ElementsAre("start 90", "wait 100"));
    ::close(interrupt);
}

TEST_F(CallWatchTest, TheGraceOfAStopIsNotItsFault) {
    auto stop = call("stop", Due::soon);
    stop.grace = seconds{60};
    const CallWatch::Watched stopping{&watch_, stop};

    look_after(seconds{89});
    EXPECT_THAT(told(), IsEmpty());
    look_after(seconds{1});
    EXPECT_THAT(told(), ElementsAre("stop 90"));
}

TEST_F(CallWatchTest, AFloodAfterTheCallShouldHaveEndedIsSlowedDown) {
    class Deaf final : public RunSink {
    public:
        SinkAnswer event(std::string_view) override { return SinkAnswer::leave_off; }
        SinkAnswer output(OutputStream, std::string_view, bool) override {
            return SinkAnswer::leave_off;
        }
        SinkAnswer position(std::string_view) override { return SinkAnswer::leave_off; }
    } sink;
    class Observer final : public CallObserver {
    public:
        explicit Observer(CallWatch& watch) : watch_(watch) {}
        void observe(std::string_view, std::string_view, Duration, bool) noexcept override {}
        CallWatch* watch() noexcept override { return &watch_; }

    private:
        CallWatch& watch_;
    } observer{watch_};
    const CallContext watched{"runner-a", clock_, logger_, &observer, "gpu"};
    CallTimer timer{watched, "wait", {.due = Due::when_asked}};
    RunSinkBridge bridge{sink, watched};
    bridge.belongs_to(timer);
    const auto& table = *bridge.table();
    const auto deliver = [&] { return table.event(table.ctx, "{}", 2); };

    EXPECT_EQ(deliver(), 1);  // the sink says "leave off": from now on it is due
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(deliver(), 1);  // at once
    }
    look_after(kPatience);
    EXPECT_THAT(told(), ElementsAre("wait 30"));

    std::thread flood([&] { EXPECT_EQ(deliver(), 1); });
    clock_.wait_for_waiters(1);
    clock_.advance(std::chrono::milliseconds{10});
    flood.join();
}

/// Holds whoever delivers to it until it is let go.
class HoldingSink final : public RunSink {
public:
    SinkAnswer event(std::string_view) override { return SinkAnswer::go_on; }
    SinkAnswer output(OutputStream, std::string_view, bool) override {
        held_.set_value();
        go_on_.get_future().wait();
        return SinkAnswer::leave_off;
    }
    SinkAnswer position(std::string_view) override { return SinkAnswer::go_on; }

    void wait_until_held() { held_.get_future().wait(); }
    void let_go() { go_on_.set_value(); }

private:
    std::promise<void> held_;
    std::promise<void> go_on_;
};

TEST_F(CallWatchTest, AWaitThatOutlastsTheStopOfItsRunIsOverdue) {
    RunnerBench bench;
    bench.watched.emplace(bench.clock, bench.logger, counts_, kPatience);
    const auto opened = bench.open("runner-fake", "{}");
    ASSERT_TRUE(opened) << opened.error().message;
    auto& runner = **opened;
    const auto started = runner.start(a_request("a.1", R"({"play":[{"out":"x"}]})"), {});
    ASSERT_TRUE(started) << started.error().message;
    HoldingSink sink;
    std::thread waiting([&] { static_cast<void>(runner.wait(*started, std::nullopt, sink, {})); });
    sink.wait_until_held();

    bench.clock.advance(hours{1});
    bench.watched->look();
    EXPECT_THAT(bench.watched->overdue(), IsEmpty());

    EXPECT_TRUE(runner.stop(*started, seconds{5}));
    bench.clock.advance(kPatience);
    bench.watched->look();
    EXPECT_THAT(bench.watched->overdue(), IsEmpty());
    bench.clock.advance(seconds{5});
    bench.watched->look();
    ASSERT_THAT(bench.watched->overdue(), SizeIs(1));
    EXPECT_EQ(bench.watched->overdue().front().call, "wait");

    sink.let_go();
    waiting.join();
    EXPECT_THAT(bench.watched->overdue(), IsEmpty());
}

}  // namespace
}  // namespace opslab::plugin
