#include <opslab/exec/driver_output.hpp>
#include <opslab/exec/event_prefix.hpp>

#include <gmock/gmock.h>

#include <set>
#include <vector>

namespace opslab::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class Sink final : public RunSink {
public:
    [[nodiscard]] SinkAnswer event(std::string_view json) override {
        events.emplace_back(json);
        return SinkAnswer::go_on;
    }
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override {
        const char* name = stream == OutputStream::out ? "out:" : "err:";
        lines.push_back(name + std::string(line) + (truncated ? " cut" : ""));
        return SinkAnswer::go_on;
    }
    [[nodiscard]] SinkAnswer position(std::string_view) override { return SinkAnswer::go_on; }

    std::vector<std::string> events{};
    std::vector<std::string> lines{};
};

TEST(DriverOutput, OnlyThePrefixAtTheStartOfAStdoutLineMakesAnEvent) {
    DriverOutput output("PFX");
    Sink sink;

    static_cast<void>(output.feed(OutputStream::out, "PFX{1}\n PFX{2}\nPF{3}\n", sink));
    static_cast<void>(output.feed(OutputStream::err, "PFX{4}\n", sink));
    static_cast<void>(output.feed(OutputStream::out, "PFX{5}", sink));
    static_cast<void>(output.finish(OutputStream::out, sink));

    EXPECT_THAT(sink.events, ElementsAre("{1}", "{5}"));
    EXPECT_THAT(sink.lines, ElementsAre("out: PFX{2}", "out:PF{3}", "err:PFX{4}"));
}

TEST(DriverOutput, EventThatHadToBeCutIsOutputWithoutThePrefix) {
    DriverOutput output("PFX", 8);
    Sink sink;

    static_cast<void>(output.feed(OutputStream::out, "PFX{\"type\":1}\n", sink));

    EXPECT_THAT(sink.events, IsEmpty());
    EXPECT_THAT(sink.lines, ElementsAre("out:{\"typ cut"));
}

TEST(DriverOutput, WithoutAPrefixNothingIsAnEvent) {
    DriverOutput output("");
    Sink sink;

    static_cast<void>(output.feed(OutputStream::out, "{}\n", sink));

    EXPECT_THAT(sink.events, IsEmpty());
}

TEST(EventPrefix, IsOneWordAndNeverTheSame) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto prefix = make_event_prefix();
        ASSERT_TRUE(prefix.has_value());
        EXPECT_THAT(*prefix, MatchesRegex("opslab-[0-9a-f]{32}"));
        seen.insert(*prefix);
    }
    EXPECT_EQ(seen.size(), 100U);
}

}  // namespace
}  // namespace opslab::exec
