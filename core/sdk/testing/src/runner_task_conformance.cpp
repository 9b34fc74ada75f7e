// Runner conformance: what a driver is given, and what a runner bears: haste, repetition, numbers.
#include <opslab/testing/runner_conformance.hpp>

#include <chrono>
#include <filesystem>
#include <future>
#include <iterator>
#include <thread>

namespace opslab::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

[[nodiscard]] std::string inspection_of(const RecordingSink& sink) {
    for (const std::string& event : sink.events()) {
        if (event.find(R"("message":"inspection")") != std::string::npos) {
            return event;
        }
    }
    return {};
}

TEST_P(RunnerConformance, DriverGetsItsTaskWhole) {
    RunRequest run = request(R"({"mode":"inspect"})");
    const std::string from = R"("metadata":{})";
    run.task_json.replace(
        run.task_json.find(from), from.size(), R"("metadata":{"who":"$(id) '\"\u00fc"})"
    );
    RecordingSink sink;

    ASSERT_THAT(runner().wait(started(run), std::nullopt, sink, Interrupt{}), ExitedWith(0));

    const std::string seen = inspection_of(sink);
    EXPECT_THAT(seen, HasSubstr(R"("task_id":")" + run.task.value + '"'));
    EXPECT_THAT(seen, HasSubstr(R"("attempt":1)"));
    EXPECT_THAT(seen, HasSubstr(R"("deadline":"2100-01-01T00:00:00.000000Z")"));
    EXPECT_THAT(seen, HasSubstr("{\"who\":\"$(id) '\\\"\u00fc\"}"));
}

TEST_P(RunnerConformance, DriverGetsTheProtocolAndAWorkDirectoryOfItsOwn) {
    RecordingSink sink;

    ASSERT_THAT(play(R"({"mode":"inspect"})", sink), ExitedWith(0));

    const std::string seen = inspection_of(sink);
    EXPECT_THAT(seen, HasSubstr(R"("protocol":"1")"));
    EXPECT_THAT(seen, HasSubstr(R"("work_dir_is_ours":true)"));
    EXPECT_THAT(seen, HasSubstr(R"("stdin_is_empty":true)"));
}

TEST_P(RunnerConformance, RunPastItsDeadlineGoesOnUntilTheHostStopsIt) {
    RunRequest run = request(R"({"mode":"hang"})");
    run.deadline = from_micros(1);
    const RunHandle handle = started(run);
    RecordingSink sink;
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    EXPECT_THAT(runner().stop(handle, seconds{30}), Succeeds());

    EXPECT_THAT(end.get(), ExitedWith(143));
}

TEST_P(RunnerConformance, StartThatIsCancelledWhileUnderWayLeavesNothing) {
    for (int i = 0; i < 5; ++i) {
        TestInterrupt interrupt;
        const RunRequest run = request(R"({"mode":"ignore_sigterm"})");
        auto start =
            std::async(std::launch::async, [&] { return runner().start(run, interrupt.get()); });
        interrupt.raise();

        const auto handle = start.get();

        if (handle) {
            EXPECT_THAT(runner().destroy(*handle), Succeeds());
        } else {
            EXPECT_THAT(handle, FailsAs(RunnerErrc::interrupted));
        }
        EXPECT_THAT(runner().list_owned(worker()).value(), IsEmpty());
        EXPECT_THAT(leftovers(run), IsEmpty());
    }
}

TEST_P(RunnerConformance, StopsAndDestroysAtTheSameTimeAllSucceed) {
    const RunRequest run = request(R"({"mode":"ignore_sigterm"})");
    const RunHandle handle = started(run);
    RecordingSink sink;
    auto end = std::async(std::launch::async, [&] {
        return runner().wait(handle, std::nullopt, sink, Interrupt{});
    });
    ASSERT_TRUE(sink.wait_for_event(R"("step":1)"));

    std::vector<std::future<RunnerStatus>> calls;
    for (int i = 0; i < 3; ++i) {
        calls.push_back(std::async(std::launch::async, [&] {
            return runner().stop(handle, milliseconds{0});
        }));
        calls.push_back(std::async(std::launch::async, [&] { return runner().destroy(handle); }));
    }

    for (auto& call : calls) {
        EXPECT_THAT(call.get(), Succeeds());
    }
    EXPECT_THAT(end.get(), AnyOf(DiedBy(9), FailsAs(RunnerErrc::not_found)));
    EXPECT_THAT(leftovers(run), IsEmpty());
}

TEST_P(RunnerConformance, HandleThatNobodyGaveHarmsNothing) {
    const RunHandle mine = started(request(R"({"mode":"hang"})"));
    for (const char* text : {"", "x", "../../x", "\xc3\xbc", "process:1:a:b:c:d"}) {
        const RunHandle handle{text};
        RecordingSink sink;
        EXPECT_THAT(
            runner().wait(handle, std::nullopt, sink, Interrupt{}),
            AnyOf(FailsAs(RunnerErrc::invalid), FailsAs(RunnerErrc::not_found))
        ) << text;
        EXPECT_THAT(
            runner().stop(handle, milliseconds{0}), AnyOf(Succeeds(), FailsAs(RunnerErrc::invalid))
        ) << text;
        EXPECT_THAT(runner().destroy(handle), AnyOf(Succeeds(), FailsAs(RunnerErrc::invalid)))
            << text;
    }
    EXPECT_THAT(
        runner().list_owned(worker()).value(), Contains(::testing::Field(&OwnedRun::handle, mine))
    );
}

TEST_P(RunnerConformance, OrdinaryTaskPassesTheCheck) {
    TaskSpec task;
    task.problem_id = "conformance-localization-1";

    EXPECT_THAT(runner().check(task), Succeeds());
}

TEST_P(RunnerConformance, PreparingASlotMayBeRepeated) {
    const SlotSpec slot{worker(), 0};

    EXPECT_THAT(runner().prepare(slot, Interrupt{}), Succeeds());
    EXPECT_THAT(runner().prepare(slot, Interrupt{}), Succeeds());
}

[[nodiscard]] std::ptrdiff_t entries_of(const char* folder) {
    return std::distance(
        std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()
    );
}

TEST_P(RunnerConformance, RunsLeaveNoDescriptorAndNoThreadBehind) {
    const auto play_one = [this] {
        const RunHandle handle = started(request());
        RecordingSink sink;
        EXPECT_THAT(runner().wait(handle, std::nullopt, sink, Interrupt{}), ExitedWith(0));
        EXPECT_THAT(runner().destroy(handle), Succeeds());
    };
    constexpr int kRuns = 8;
    play_one();  // whatever is made once is made now
    const auto descriptors = entries_of("/proc/self/fd");
    const auto threads = entries_of("/proc/self/task");

    for (int i = 0; i < kRuns; ++i) {
        play_one();
    }

    EXPECT_LT(entries_of("/proc/self/fd"), descriptors + kRuns);
    EXPECT_LT(entries_of("/proc/self/task"), threads + kRuns);
}

}  // namespace
}  // namespace opslab::testing
