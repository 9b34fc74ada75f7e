#include "fake_engine.hpp"
#include "run_handle.hpp"

#include <opslab/docker/container_output.hpp>
#include <opslab/docker/container_runs.hpp>

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

namespace opslab::docker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kEnded =
    R"({"Id":"c","Name":"/n","Config":{"Labels":null},"State":{"Running":false,"Paused":false,)"
    R"("Restarting":false,"OOMKilled":false,"ExitCode":0}})";

constexpr const char* kRunning =
    R"({"Id":"c","Name":"/n","Config":{"Labels":null},"State":{"Running":true,"Paused":false,)"
    R"("Restarting":false,"OOMKilled":false,"ExitCode":0}})";
const std::string kDied = "{\"Type\":\"container\",\"Action\":\"die\"}\n";
const std::string kKilled = "{\"Type\":\"container\",\"Action\":\"kill\"}\n";

class KeepingSink final : public RunSink {
public:
    [[nodiscard]] SinkAnswer event(std::string_view json) override {
        events.emplace_back(json);
        return SinkAnswer::go_on;
    }
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool) override {
        (stream == OutputStream::out ? out : err).emplace_back(line);
        return SinkAnswer::go_on;
    }
    [[nodiscard]] SinkAnswer position(std::string_view text) override {
        last_position = std::string(text);
        return SinkAnswer::go_on;
    }

    std::vector<std::string> events{};
    std::vector<std::string> out{};
    std::vector<std::string> err{};
    std::optional<std::string> last_position{};
};

// A message of the log at a second of the day.
[[nodiscard]] std::string message(char stream, int second, const std::string& text) {
    std::string digits = std::to_string(second);
    digits.insert(0, 2 - digits.size(), '0');
    const std::string bytes = "2026-01-01T00:00:" + digits + ".000000000Z " + text;
    std::string header(8, '\0');
    header[0] = stream;
    header[6] = static_cast<char>(bytes.size() >> 8U);
    header[7] = static_cast<char>(bytes.size() & 0xffU);
    return header + bytes;
}

[[nodiscard]] RunnerResult<ContainerEnd> deliver(
    const std::string& log,
    KeepingSink& sink,
    bool is_local_log = true,
    std::optional<std::string> position = {}
) {
    FakeEngine fake([&](std::string_view target) {
        if (target.find("/events") != std::string_view::npos) {
            return kDied;
        }
        return target.find("/logs") == std::string_view::npos ? std::string(kEnded) : log;
    });
    Engine engine(fake.address());
    const OutputRequest request{
        .container = "c",
        .event_prefix = "word",
        .position = std::move(position),
        .is_local_log = is_local_log,
        .away_limit = std::chrono::milliseconds{0}};
    return deliver_output(engine, request, sink, Interrupt{});
}

// A container that runs at the first look, whose log a follower is given as `followed`, and that
// has ended at the next.
[[nodiscard]] RunnerResult<RunEnd> wait_over(
    const std::string& followed, const std::string& events, int& times_asked, KeepingSink& sink
) {
    int looks = 0;
    FakeEngine fake([&](std::string_view target) {
        if (target.find("/events") != std::string_view::npos) {
            ++times_asked;
            return events;
        }
        if (target.find("follow=1") != std::string_view::npos) {
            return followed;
        }
        if (target.find("/logs") != std::string_view::npos) {
            return message(1, 1, "line\n");
        }
        if (target.find("/attach") != std::string_view::npos) {
            return std::string();
        }
        return std::string(++looks == 1 ? kRunning : kEnded);
    });
    ContainerSpec spec;
    spec.away_limit = std::chrono::seconds{1};
    ContainerRuns runs(fake.address(), spec);
    return runs.wait(ContainerHandle{"c", "0a.1", "word"}.text(), std::nullopt, sink, Interrupt{});
}

const std::string kPiece(16384, 'p');

TEST(ContainerOutput, LinesAndEventsAreToldApart) {
    KeepingSink sink;

    ASSERT_TRUE(deliver(
        message(1, 1, "line\n") + message(1, 2, "word{\"a\":1}\n") + message(2, 3, "word{}\n"), sink
    ));

    EXPECT_THAT(sink.out, ElementsAre("line"));
    EXPECT_THAT(sink.events, ElementsAre("{\"a\":1}"));
    EXPECT_THAT(sink.err, ElementsAre("word{}"));
}

TEST(ContainerOutput, LineOfWholePiecesIsNotGluedToTheNext) {
    for (const std::size_t pieces : {1U, 2U, 3U}) {
        std::string log;
        std::string whole;
        for (std::size_t i = 0; i < pieces; ++i) {
            log += message(1, 1, kPiece);
            whole += kPiece;
        }
        KeepingSink sink;
        ASSERT_TRUE(deliver(log + message(1, 1, "") + message(1, 2, "next\n"), sink));
        EXPECT_TRUE(sink.out == (std::vector<std::string>{whole, "next"})) << sink.out.size();
    }
}

TEST(ContainerOutput, LineWhoseLastPieceLostItsLineFeedIsNotGluedToTheNext) {
    KeepingSink sink;

    ASSERT_TRUE(deliver(message(1, 1, kPiece) + message(1, 1, "x") + message(1, 2, "next\n"), sink)
    );

    EXPECT_TRUE(sink.out == (std::vector<std::string>{kPiece + "x", "next"})) << sink.out.size();
}

TEST(ContainerOutput, EngineThatKeepsTheLineFeedOfALongLineMakesNoEmptyLine) {
    for (const bool is_local : {true, false}) {
        KeepingSink sink;
        ASSERT_TRUE(deliver(
            message(1, 1, kPiece) + message(1, 1, "\n") + message(1, 2, "next\n"), sink, is_local
        ));
        EXPECT_TRUE(sink.out == (std::vector<std::string>{kPiece, "next"})) << sink.out.size();
    }
}

TEST(ContainerOutput, PositionGoesOnBehindWhatWasDeliveredOfEachStream) {
    const std::string log = message(1, 1, "a\n") + message(2, 1, "b\n") + message(1, 1, "c\n");
    KeepingSink first;
    ASSERT_TRUE(deliver(log, first));
    KeepingSink second;

    ASSERT_TRUE(deliver(
        log + message(1, 1, "d\n") + message(2, 9, "e\n"), second, true, first.last_position
    ));

    EXPECT_THAT(second.out, ElementsAre("d"));
    EXPECT_THAT(second.err, ElementsAre("e"));
}

TEST(ContainerOutput, LineThatWasNotWholeIsDeliveredWholeLater) {
    // the engine has the first piece of a long stdout line when the reader goes
    const std::string log = message(1, 1, kPiece) + message(2, 30, "err\n");
    std::optional<std::string> position;
    {
        KeepingSink sink;
        ASSERT_TRUE(deliver(log, sink));
        position = sink.last_position;
    }
    KeepingSink sink;

    ASSERT_TRUE(deliver(log + message(1, 1, "end") + message(1, 31, "next\n"), sink, true, position)
    );

    EXPECT_TRUE(sink.out == (std::vector<std::string>{kPiece + "end", "next"})) << sink.out.size();
    EXPECT_THAT(sink.err, IsEmpty());
}

TEST(ContainerOutput, OutputThatTheEngineDroppedIsSaid) {
    KeepingSink first;
    ASSERT_TRUE(deliver(message(1, 1, "a\n"), first));
    KeepingSink second;

    ASSERT_TRUE(deliver(message(1, 30, "z\n"), second, true, first.last_position));

    EXPECT_THAT(second.out, ElementsAre("z"));
    EXPECT_THAT(second.err, ElementsAre(HasSubstr("dropped output")));
}

TEST(ContainerOutput, LogWithoutStampsIsAnInfrastructureFailure) {
    KeepingSink sink;

    const auto refused =
        deliver(message(1, 1, "x\n") + std::string("\1\0\0\0\0\0\0\4abc ", 12), sink);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RunnerErrc::infrastructure);
}

TEST(ContainerOutput, EndThatWasWatchedNeedsNoFurtherWitness) {
    KeepingSink sink;
    int times_asked = 0;

    EXPECT_TRUE(wait_over(message(1, 1, "line\n"), "", times_asked, sink));

    EXPECT_EQ(times_asked, 0);
    EXPECT_THAT(sink.out, ElementsAre("line"));
}

TEST(ContainerOutput, EndBehindABrokenReadingIsKnownToBeWholeWhereTheEngineSawIt) {
    KeepingSink sink;
    int times_asked = 0;

    EXPECT_TRUE(wait_over(FakeEngine::kCutOff, kDied, times_asked, sink));

    EXPECT_EQ(times_asked, 1);
    EXPECT_THAT(sink.out, ElementsAre("line"));
}

// An engine that was killed drops what its containers wrote in their last moments without it, and
// one that starts again, or is shut down, ends them itself.
TEST(ContainerOutput, EndThatTheEngineDidNotSeeOrMadeItselfIsAnInfrastructureFailure) {
    for (const std::string& events : {std::string(), kKilled + kDied}) {
        KeepingSink sink;
        int times_asked = 0;

        const auto ended = wait_over(FakeEngine::kCutOff, events, times_asked, sink);

        ASSERT_FALSE(ended) << events;
        EXPECT_EQ(ended.error().code, RunnerErrc::infrastructure);
        EXPECT_THAT(ended.error().message, HasSubstr("the end of its output may be lost"));
        EXPECT_THAT(sink.out, ElementsAre("line")) << "what the engine kept is delivered";
    }
}

TEST(ContainerOutput, PositionOfAnotherRunnerIsInvalid) {
    KeepingSink sink;

    const auto ended = deliver("", sink, true, "line 17");

    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, RunnerErrc::invalid);
}

}  // namespace
}  // namespace opslab::docker
