// Runner conformance: what a run says, and that it arrives whole, in order and untouched.
#include <opslab/testing/runner_conformance.hpp>

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <future>
#include <mutex>
#include <thread>

namespace opslab::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::size_t kLongest = std::size_t{1} << 20;

TEST_P(RunnerConformance, EventsArriveInTheirOrder) {
    RecordingSink sink;

    ASSERT_THAT(play("{}", sink), ExitedWith(0));

    const auto events = sink.events();
    ASSERT_THAT(events, SizeIs(17));
    EXPECT_EQ(events.front(), R"({"type":"phase","name":"setup","state":"begin"})");
    for (int step = 1; step <= 6; ++step) {
        EXPECT_THAT(
            events.at(static_cast<std::size_t>(step) + 3),
            HasSubstr(R"("type":"step","step":)" + std::to_string(step))
        );
    }
    EXPECT_EQ(events.back(), R"({"type":"clean"})");
    EXPECT_THAT(sink.lines(), IsEmpty());
}

TEST_P(RunnerConformance, OnlyTheTrueWordAtTheStartOfAStdoutLineMakesAnEvent) {
    RecordingSink sink;

    ASSERT_THAT(play(R"({"mode":"fake_event"})", sink), ExitedWith(0));

    EXPECT_THAT(sink.events(), Each(Not(HasSubstr("1000.0"))));
    EXPECT_THAT(sink.lines_of(OutputStream::out), SizeIs(4));
    EXPECT_THAT(sink.lines_of(OutputStream::out), Each(HasSubstr("1000.0")));
    EXPECT_THAT(sink.lines_of(OutputStream::err), ElementsAre(HasSubstr("1000.0")));
}

TEST_P(RunnerConformance, EventsThatAreNoJsonArePassedOnAsTheyCame) {
    RecordingSink sink;

    ASSERT_THAT(play(R"({"mode":"badjson"})", sink), ExitedWith(0));

    EXPECT_THAT(sink.events(), Contains(R"({"type":"log",)"));
    EXPECT_THAT(sink.events(), Contains("[1,2,3]"));
    EXPECT_THAT(sink.events(), Contains(""));
    EXPECT_EQ(sink.events().back(), R"({"type":"clean"})");
}

TEST_P(RunnerConformance, EveryByteArrivesUnchanged) {
    std::string all = "bytes ";
    for (int byte = 0; byte < 256; ++byte) {
        if (byte != '\n') {
            all.push_back(static_cast<char>(byte));
        }
    }
    RecordingSink sink;

    ASSERT_THAT(play(R"({"mode":"binary"})", sink), ExitedWith(0));

    EXPECT_THAT(
        sink.lines_of(OutputStream::out),
        ElementsAre(
            all,
            "\xff\xfe\xc0\xaf\xed\xa0\x80\xf5",
            std::string("nul \0 inside", 12),
            "carriage\rreturn\r",
            "\x1b[31mred\x1b]0;title\x07",
            ""
        )
    );
    EXPECT_THAT(sink.lines_of(OutputStream::err), ElementsAre(all));
}

TEST_P(RunnerConformance, LineOverAMebibyteIsCutAndMarkedAndTheNextIsWhole) {
    RecordingSink sink;

    ASSERT_THAT(play(R"({"mode":"long_line","bytes":3145728})", sink), ExitedWith(0));

    std::vector<RecordingSink::Line> out = sink.lines();
    std::erase_if(out, [](const auto& line) { return line.stream != OutputStream::out; });
    ASSERT_THAT(out, SizeIs(2));
    EXPECT_TRUE(out[0].truncated);
    EXPECT_TRUE(out[0].text == std::string(kLongest, 'L')) << "of " << out[0].text.size();
    EXPECT_FALSE(out[1].truncated);
    EXPECT_EQ(out[1].text, "after the long line");
    EXPECT_THAT(sink.lines_of(OutputStream::err), ElementsAre("after the long line"));
}

[[nodiscard]] std::int64_t number_of(const std::string& line) {
    std::int64_t number = 0;
    const std::size_t start = line.find(' ') + 1;
    std::from_chars(line.data() + start, line.data() + line.size(), number);
    return number;
}

TEST_P(RunnerConformance, FloodArrivesWholeAndInTheOrderOfEachStream) {
    constexpr std::int64_t kLines = 20'000;
    RecordingSink sink;

    ASSERT_THAT(play(R"({"mode":"flood","lines":20000,"bytes":120})", sink), ExitedWith(0));

    std::vector<std::int64_t> out;
    for (const std::string& line : sink.lines_of(OutputStream::out)) {
        out.push_back(number_of(line));
    }
    std::vector<std::int64_t> err;
    for (const std::string& line : sink.lines_of(OutputStream::err)) {
        err.push_back(number_of(line));
    }
    EXPECT_THAT(out, SizeIs(kLines - kLines / 10));
    EXPECT_THAT(err, SizeIs(kLines / 10));
    EXPECT_TRUE(std::is_sorted(out.begin(), out.end()));
    EXPECT_TRUE(std::is_sorted(err.begin(), err.end()));
    EXPECT_EQ(sink.events().back(), R"({"type":"clean"})");
}

/// Takes the first line and then nothing until it is told to.
class HeldSink final : public RunSink {
public:
    [[nodiscard]] SinkAnswer event(std::string_view) override { return SinkAnswer::go_on; }

    [[nodiscard]] SinkAnswer output(OutputStream, std::string_view, bool) override {
        std::unique_lock lock(mutex_);
        ++count_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return is_open_; });
        return SinkAnswer::go_on;
    }

    [[nodiscard]] SinkAnswer position(std::string_view) override { return SinkAnswer::go_on; }

    void wait_until_held() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return count_ > 0; });
    }

    void open() {
        const std::lock_guard lock(mutex_);
        is_open_ = true;
        changed_.notify_all();
    }

    [[nodiscard]] std::int64_t count() {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    std::mutex mutex_{};
    std::condition_variable changed_{};
    bool is_open_ = false;
    std::int64_t count_ = 0;
};

TEST_P(RunnerConformance, HeldSinkHoldsTheRunAndLosesNothing) {
    HeldSink sink;
    const RunHandle handle = started(request(R"({"mode":"flood","lines":30000,"bytes":500})"));
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });

    sink.wait_until_held();
    const std::int64_t while_held = sink.count();
    sink.open();

    EXPECT_EQ(while_held, 1);
    EXPECT_THAT(end.get(), ExitedWith(0));
    EXPECT_EQ(sink.count(), 30000);
}

// The same events, once each duplicate at a point of resumption is taken out.
[[nodiscard]] std::vector<std::string> without_repeats(const std::vector<std::string>& events) {
    std::vector<std::string> once;
    for (const std::string& event : events) {
        if (std::find(once.begin(), once.end(), event) == once.end()) {
            once.push_back(event);
        }
    }
    return once;
}

TEST_P(RunnerConformance, WaitThatTheSinkLeftGoesOnWithoutLoss) {
    RecordingSink whole;
    ASSERT_THAT(play("{}", whole), ExitedWith(0));
    const RunHandle handle = started(request("{}"));
    RecordingSink sink;
    sink.leave_off_after_events(5);

    EXPECT_THAT(
        runner().wait(handle, std::nullopt, sink, Interrupt{}), FailsAs(RunnerErrc::interrupted)
    );
    EXPECT_THAT(sink.events(), SizeIs(5));
    sink.leave_off_after_events(0);
    EXPECT_THAT(runner().wait(handle, sink.last_position(), sink, Interrupt{}), ExitedWith(0));

    EXPECT_THAT(without_repeats(sink.events()), ElementsAreArray(whole.events()));
}

TEST_P(RunnerConformance, InterruptEndsAWaitAndTheRunGoesOn) {
    const RunHandle handle = started(request(R"({"mode":"hang"})"));
    RecordingSink sink;
    TestInterrupt interrupt;
    auto first = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, interrupt.get());
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    interrupt.raise();
    EXPECT_THAT(first.get(), FailsAs(RunnerErrc::interrupted));
    auto second = std::async(std::launch::async, [&] {
        return runner().wait(handle, sink.last_position(), sink, Interrupt{});
    });
    EXPECT_THAT(runner().stop(handle, std::chrono::seconds{30}), Succeeds());

    EXPECT_THAT(second.get(), ExitedWith(143));
    EXPECT_THAT(sink.events(), Contains(HasSubstr(R"("name":"teardown","state":"end")")));
}

TEST_P(RunnerConformance, TenRunsAtOnceDoNotMixTheirOutput) {
    std::vector<std::unique_ptr<RecordingSink>> sinks;
    std::vector<std::future<RunnerResult<RunEnd>>> ends;
    for (int i = 0; i < 10; ++i) {
        sinks.push_back(std::make_unique<RecordingSink>());
        const RunHandle handle =
            started(request(R"({"reward":)" + std::to_string(i) + R"(.5,"steps":12})"));
        RecordingSink& sink = *sinks.back();  // the vector itself grows under the threads
        ends.push_back(std::async(std::launch::async, [this, handle, &sink] {
            return runner().wait(handle, std::nullopt, sink, Interrupt{});
        }));
    }

    for (std::size_t i = 0; i < ends.size(); ++i) {
        EXPECT_THAT(ends[i].get(), ExitedWith(0));
    }
    for (std::size_t i = 0; i < sinks.size(); ++i) {
        const auto events = sinks[i]->events();
        ASSERT_THAT(events, SizeIs(23));
        EXPECT_THAT(events, Contains(HasSubstr(R"("reward":)" + std::to_string(i) + ".5}")));
    }
}

}  // namespace
}  // namespace opslab::testing
