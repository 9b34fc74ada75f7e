#include "verdict_sink.hpp"

#include <opslab/testing/runner_conformance.hpp>

#include <nlohmann/json.hpp>

namespace opslab::runner_exec {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::RecordingSink;

class VerdictSinkTest : public ::testing::Test {
protected:
    RecordingSink host_{};
    Verdict verdict_{};
    VerdictSink sink_{host_, verdict_};
};

TEST_F(VerdictSinkTest, ResultOrErrorIsAVerdictAndNothingElseIs) {
    for (const char* event :
         {R"({"type":"log","message":"\"result\""})",
          R"({"type":"step","observation":"error","action":"result"})",
          R"(["result"])",
          R"({"result":1})",
          R"({"type":"result")"}) {
        EXPECT_EQ(sink_.event(event), SinkAnswer::go_on);
        EXPECT_FALSE(verdict_.is_given) << event;
    }
    EXPECT_EQ(sink_.event(R"({"type":"error","message":"x"})"), SinkAnswer::go_on);
    EXPECT_TRUE(verdict_.is_given);
    EXPECT_EQ(sink_.event(R"({"type":"clean"})"), SinkAnswer::go_on);
    EXPECT_TRUE(verdict_.is_given) << "it stays";

    Verdict other;
    VerdictSink second{host_, other};
    EXPECT_EQ(second.event(R"({"success":true,"type":"result"})"), SinkAnswer::go_on);
    EXPECT_TRUE(other.is_given);
}

TEST_F(VerdictSinkTest, EverythingIsPassedOnWithTheHostsAnswer) {
    host_.leave_off_after_events(2);

    EXPECT_EQ(sink_.event("{}"), SinkAnswer::go_on);
    EXPECT_EQ(sink_.output(OutputStream::out, "a\n", true), SinkAnswer::go_on);
    EXPECT_EQ(sink_.output(OutputStream::err, "b", false), SinkAnswer::go_on);
    EXPECT_EQ(sink_.position("7"), SinkAnswer::go_on);
    EXPECT_EQ(sink_.event("[]"), SinkAnswer::leave_off);

    EXPECT_THAT(host_.events(), ElementsAre("{}", "[]"));
    ASSERT_EQ(host_.lines().size(), 2U);
    EXPECT_TRUE(host_.lines()[0].truncated);
    EXPECT_EQ(host_.lines()[1].stream, OutputStream::err);
    EXPECT_EQ(host_.last_position(), "7");
}

TEST_F(VerdictSinkTest, OnlyTheEndOfStderrIsKept) {
    EXPECT_EQ(sink_.output(OutputStream::out, "not this", false), SinkAnswer::go_on);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(sink_.output(OutputStream::err, "line", false), SinkAnswer::go_on);
    }
    EXPECT_EQ(
        sink_.output(OutputStream::err, std::string(100'000, 'x') + "!", false), SinkAnswer::go_on
    );

    EXPECT_EQ(verdict_.last_error.size(), 4096U);
    EXPECT_THAT(verdict_.last_error, EndsWith("x!\n"));
}

TEST(EventOfExit, TellsTheReservedCodesApart) {
    const Verdict none{.is_given = false, .last_error = "no such host\n"};

    EXPECT_EQ(
        nlohmann::json::parse(event_of_exit({EndKind::exited, 65}, none)),
        (nlohmann::json{
            {"type", "error"},
            {"kind", "task"},
            {"message", "the run program exited with 65: no such host"}})
    );
    EXPECT_EQ(
        nlohmann::json::parse(event_of_exit({EndKind::exited, 75}, Verdict{})),
        (nlohmann::json{
            {"type", "error"},
            {"kind", "infrastructure"},
            {"message", "the run program exited with 75"}})
    );
}

TEST(EventOfExit, SaysNothingOfOtherEndsAndAfterAVerdict) {
    EXPECT_EQ(event_of_exit({EndKind::exited, 0}, Verdict{}), "");
    EXPECT_EQ(event_of_exit({EndKind::exited, 1}, Verdict{}), "");
    EXPECT_EQ(event_of_exit({EndKind::signalled, 65}, Verdict{}), "");
    EXPECT_EQ(event_of_exit({EndKind::exited, 65}, Verdict{.is_given = true}), "");
}

TEST(EventOfExit, IsValidJsonWhateverTheProgramWrote) {
    const Verdict odd{.is_given = false, .last_error = "\xff\"\\\n"};

    EXPECT_TRUE(nlohmann::json::accept(event_of_exit({EndKind::exited, 65}, odd)));
}

}  // namespace
}  // namespace opslab::runner_exec
