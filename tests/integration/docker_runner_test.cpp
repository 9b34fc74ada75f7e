// Runs in containers of a real engine: what the conformance suite cannot ask of every runner.
#include "integration/docker_test_image.hpp"
#include "integration/engine_proxy.hpp"

#include <opslab/docker/container_runs.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <functional>

namespace opslab::testing {
namespace {

using docker::ContainerRuns;
using docker::ContainerSpec;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Keeps what a run said; `after_line` is asked after each line, with the number of lines so far.
class LineSink final : public RunSink {
public:
    [[nodiscard]] SinkAnswer event(std::string_view json) override {
        events.emplace_back(json);
        return SinkAnswer::go_on;
    }
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool) override {
        (stream == OutputStream::out ? out : err).emplace_back(line);
        return after_line ? after_line(out.size() + err.size()) : SinkAnswer::go_on;
    }
    [[nodiscard]] SinkAnswer position(std::string_view text) override {
        last_position = std::string(text);
        return SinkAnswer::go_on;
    }

    std::function<SinkAnswer(std::size_t)> after_line{};
    std::vector<std::string> events{};
    std::vector<std::string> out{};
    std::vector<std::string> err{};
    std::optional<std::string> last_position{};
};

class DockerRunner : public ::testing::Test {
protected:
    void SetUp() override { spec_.image = test_image(); }

    void TearDown() override {
        ContainerRuns runs(test_engine_address(), spec_);
        for (const RunHandle& handle : handles_) {
            EXPECT_TRUE(runs.destroy(handle));
        }
        for (const std::string& run : run_ids_) {
            const auto left = engine_.list({{"opslab.run", run}});
            ASSERT_TRUE(left);
            EXPECT_TRUE(left->empty()) << run << " has left a container";
        }
    }

    [[nodiscard]] RunRequest request(const std::string& simulate) {
        static int number = 0;
        std::string id(64, '\0');
        const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        const int size = std::snprintf(
            id.data(),
            id.size(),
            "%llx-%x-%d.1",
            static_cast<unsigned long long>(now),
            static_cast<unsigned>(::getpid()),
            ++number
        );
        id.resize(static_cast<std::size_t>(size));
        run_ids_.push_back(id);
        RunRequest run;
        run.run_id = id;
        run.slot = SlotSpec{WorkerId{"worker-001-docker"}, 0};
        run.task = TaskId{"018f0000-0000-7000-8000-000000000001"};
        run.problem_id = "docker-detection-1";
        run.task_json = R"({"task_id":"018f0000-0000-7000-8000-000000000001","attempt":1,)"
                        R"("problem_id":"docker-detection-1","agent_config":{"simulate":)" +
                        simulate +
                        R"(},"max_steps":30,"deadline":"2100-01-01T00:00:00.000000Z",)"
                        R"("metadata":{}})";
        run.deadline = from_micros(4102444800000000);
        return run;
    }

    [[nodiscard]] RunHandle started(ContainerRuns& runs, const std::string& simulate) {
        const auto handle = runs.start(request(simulate), Interrupt{});
        if (!handle) {
            throw std::runtime_error(handle.error().message);
        }
        handles_.push_back(*handle);
        return *handle;
    }

    [[nodiscard]] RunnerResult<RunEnd> play(const std::string& simulate, RunSink& sink) {
        ContainerRuns runs(test_engine_address(), spec_);
        return runs.wait(started(runs, simulate), std::nullopt, sink, Interrupt{});
    }

    static ContainerSpec quiet_spec() {
        ContainerSpec spec;
        spec.pull = docker::PullPolicy::never;
        spec.network = "none";
        spec.scope = "docker-runner-test-" + std::to_string(::getpid());
        return spec;
    }

    docker::Engine engine_{test_engine_address()};
    ContainerSpec spec_ = quiet_spec();
    std::vector<RunHandle> handles_{};
    std::vector<std::string> run_ids_{};
};

// The numbers of a flood's lines.
[[nodiscard]] std::vector<long> numbers(const std::vector<std::string>& lines) {
    std::vector<long> out;
    for (const std::string& line : lines) {
        const std::size_t start = line.find(' ') + 1;
        long number = -1;
        std::from_chars(line.data() + start, line.data() + line.size(), number);
        out.push_back(number);
    }
    return out;
}

// Every tenth line of a flood is on stderr; nothing may be missing, doubled or out of order.
void expect_whole_flood(const LineSink& sink, std::size_t lines) {
    std::vector<long> all = numbers(sink.out);
    const std::vector<long> err = numbers(sink.err);
    EXPECT_EQ(err.size(), lines / 10);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
    EXPECT_TRUE(std::is_sorted(err.begin(), err.end()));
    all.insert(all.end(), err.begin(), err.end());
    std::sort(all.begin(), all.end());
    ASSERT_EQ(all.size(), lines);
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
    EXPECT_EQ(all.back() - all.front() + 1, static_cast<long>(lines));
}

TEST_F(DockerRunner, RunThatUsesMoreMemoryThanItWasGivenIsToldApart) {
    spec_.memory_bytes = std::int64_t{32} << 20U;
    LineSink sink;

    const auto end = play(R"({"mode":"oom"})", sink);

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(end->how, EndKind::out_of_memory);
}

TEST_F(DockerRunner, ExitWithTheCodeOfAKillIsNoLackOfMemory) {
    spec_.memory_bytes = std::int64_t{32} << 20U;
    LineSink sink;

    const auto end = play(R"({"mode":"exit","exit_code":137})", sink);

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, (RunEnd{EndKind::exited, 137}));
}

TEST_F(DockerRunner, MissingImageThatMayNotBePulledIsAnInfrastructureFailure) {
    spec_.image = "opslab/no-such-image:none";
    ContainerRuns runs(test_engine_address(), spec_);

    const auto handle = runs.start(request("{}"), Interrupt{});

    ASSERT_FALSE(handle);
    EXPECT_EQ(handle.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(handle.error().message, HasSubstr("opslab/no-such-image:none"));
    EXPECT_THAT(handle.error().message, HasSubstr("pull"));
}

TEST_F(DockerRunner, EngineThatIsAwayIsAnInfrastructureFailureThatNamesTheSocket) {
    spec_.away_limit = std::chrono::milliseconds{0};
    ContainerRuns there(test_engine_address(), spec_);
    const RunHandle handle = started(there, R"({"mode":"hang"})");
    docker::EngineAddress nobody;
    nobody.socket_path = "/nonexistent/opslab/engine.sock";
    ContainerRuns runs(nobody, spec_);
    LineSink sink;

    const auto begun = runs.start(request("{}"), Interrupt{});
    const auto waited = runs.wait(handle, std::nullopt, sink, Interrupt{});
    const auto stopped = runs.stop(handle, std::chrono::milliseconds{0});
    const auto destroyed = runs.destroy(handle);
    const auto health = runs.health();

    ASSERT_FALSE(begun || waited || stopped || destroyed || health);
    for (const RunnerError& error :
         {begun.error(), waited.error(), stopped.error(), destroyed.error(), health.error()}) {
        EXPECT_EQ(error.code, RunnerErrc::infrastructure);
        EXPECT_THAT(error.message, HasSubstr("/nonexistent/opslab/engine.sock"));
    }
}

TEST_F(DockerRunner, ConnectionsThatAreCutInARunLoseAndRepeatNoLine) {
    constexpr std::size_t kLines = 40'000;
    EngineProxy proxy(test_engine_address().socket_path);
    ContainerRuns runs(proxy.address(), spec_);
    const RunHandle handle =
        started(runs, R"({"mode":"flood","bytes":120,"lines":)" + std::to_string(kLines) + "}");
    int cuts = 0;
    LineSink sink;
    sink.after_line = [&](std::size_t count) {
        if (count == 2'000 || count == 20'000 || count == 39'000) {
            proxy.cut(3);
            ++cuts;
        }
        return SinkAnswer::go_on;
    };

    const auto end = runs.wait(handle, std::nullopt, sink, Interrupt{});

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, (RunEnd{EndKind::exited, 0}));
    EXPECT_EQ(cuts, 3);
    expect_whole_flood(sink, kLines);
    EXPECT_THAT(sink.events.back(), HasSubstr("clean"));
}

TEST_F(DockerRunner, AnotherInstanceGoesOnFromThePositionWithoutLossOrRepeat) {
    constexpr std::size_t kLines = 30'000;
    LineSink sink;
    RunHandle handle;
    {
        ContainerRuns first(test_engine_address(), spec_);
        handle = started(
            first, R"({"mode":"flood","bytes":120,"lines":)" + std::to_string(kLines) + "}"
        );
        sink.after_line = [](std::size_t count) {
            return count >= 7'000 ? SinkAnswer::leave_off : SinkAnswer::go_on;
        };
        const auto left = first.wait(handle, std::nullopt, sink, Interrupt{});
        ASSERT_FALSE(left);
        ASSERT_EQ(left.error().code, RunnerErrc::interrupted);
        ASSERT_TRUE(sink.last_position);
    }
    sink.after_line = nullptr;
    ContainerRuns second(test_engine_address(), spec_);

    const auto end = second.wait(handle, std::string(*sink.last_position), sink, Interrupt{});

    ASSERT_TRUE(end) << end.error().message;
    expect_whole_flood(sink, kLines);
}

TEST_F(DockerRunner, LineOfExactly16KiBIsNotGluedToTheNext) {
    for (const std::size_t bytes : {16'383U, 16'384U, 16'385U, 32'768U}) {
        LineSink sink;
        ASSERT_TRUE(play(R"({"mode":"long_line","bytes":)" + std::to_string(bytes) + "}", sink));
        ASSERT_EQ(sink.out.size(), 2U) << bytes;
        EXPECT_EQ(sink.out[0].size(), bytes);
        EXPECT_EQ(sink.out[1], "after the long line");
    }
}

TEST_F(DockerRunner, ForeignContainerOfARunsNameIsNeverTouched) {
    const RunRequest run = request("{}");
    const auto foreign =
        engine_.create("opslab-" + run.run_id, R"({"Image":")" + spec_.image + R"("})");
    ASSERT_TRUE(foreign) << foreign.error().message;
    ContainerRuns runs(test_engine_address(), spec_);

    const auto handle = runs.start(run, Interrupt{});
    const auto destroyed = runs.destroy(RunHandle{
        R"({"v":1,"container":")" + *foreign + R"(","run":")" + run.run_id + R"(","prefix":"x"})"});
    const auto owned = runs.list_owned(run.slot.worker);
    const auto left = engine_.inspect(*foreign);
    EXPECT_TRUE(engine_.remove(*foreign));

    ASSERT_FALSE(handle);
    EXPECT_EQ(handle.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(handle.error().message, HasSubstr("opslab-" + run.run_id));
    EXPECT_TRUE(destroyed);
    EXPECT_TRUE(left) << "the foreign container is gone";
    ASSERT_TRUE(owned);
    EXPECT_THAT(*owned, IsEmpty());
}

TEST_F(DockerRunner, ReadOnlyRootAndNoNetworkLeaveADriverAbleToWork) {
    spec_.is_read_only = true;
    LineSink sink;

    const auto end = play("{}", sink);

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, (RunEnd{EndKind::exited, 0}));
    EXPECT_THAT(sink.events, Not(IsEmpty()));
}

}  // namespace
}  // namespace opslab::testing
