#include "domain/run_event.hpp"

#include <opslab/testing/matchers.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace opslab {
namespace {

using opslab::testing::IsError;
using opslab::testing::IsOk;
using ::testing::ElementsAre;

constexpr Timestamp kNow{Duration{1'769'847'330'123'456}};

template <class Event>
Event read(const std::string& json) {
    auto event = parse_driver_event(json, kNow);
    EXPECT_THAT(event, IsOk()) << json;
    return std::get<Event>(event.value());
}

TEST(DriverEvents, ALogHasItsLevelMessageAndContext) {
    const auto log =
        read<LogEvent>(R"({"type":"log","level":"error","message":"m","context":{"step":1}})");

    EXPECT_EQ(log, (LogEvent{{}, kNow, LogLevel::error, "m", R"({"step":1})"}));
}

TEST(DriverEvents, AStepKeepsItsWholeBody) {
    const auto step = read<StepEvent>(
        R"({"type":"step","step":2,"observation":"o","action":"a","reward":0.5,"usage":{"prompt_tokens":1},"more":[1]})"
    );

    EXPECT_EQ(step.step, 2);
    EXPECT_EQ(
        step.body_json,
        R"({"action":"a","more":[1],"observation":"o","reward":0.5,"step":2,"usage":{"prompt_tokens":1}})"
    );
}

TEST(DriverEvents, AResultFillsWhatItLeavesOut) {
    const auto result =
        read<DriverResult>(R"({"type":"result","success":true,"reward":1.0})").result;

    EXPECT_TRUE(result.success);
    EXPECT_EQ(result.reward, 1.0);
    EXPECT_EQ(
        result.result_json, R"({"logs":[],"metrics":{},"output":{},"reward":1.0,"success":true})"
    );
}

TEST(DriverEvents, AnErrorSaysWhatAndWhere) {
    const auto error = read<DriverError>(
        R"({"type":"error","kind":"infrastructure","phase":"setup","message":"no cluster"})"
    );

    EXPECT_EQ(error.failure, (Failure{FailureKind::infrastructure, "setup", "no cluster"}));
}

class BadDriverEvent : public ::testing::TestWithParam<const char*> {};

TEST_P(BadDriverEvent, IsAnErrorAndNothingElse) {
    EXPECT_THAT(parse_driver_event(GetParam(), kNow), IsError(Errc::invalid_argument));
}

INSTANTIATE_TEST_SUITE_P(
    Events,
    BadDriverEvent,
    ::testing::Values(
        "",
        "x",
        "[]",
        "{}",
        R"({"type":"party"})",
        R"({"type":"log"})",
        R"({"type":"log","level":"loud","message":"m"})",
        R"({"type":"step","step":0,"observation":"","action":""})",
        R"({"type":"step","step":1})",
        R"({"type":"phase","name":"lunch","state":"begin"})",
        R"({"type":"result"})",
        R"({"type":"result","success":"yes"})",
        R"({"type":"error"})",
        R"({"type":"error","kind":"cancelled","message":"m"})"
    )
);

TEST(PostedEvents, UnknownKeysAreRefused) {
    std::vector<FieldError> errors;
    const auto json = parse_json(R"({"type":"log","message":"m","more":1})").value();

    EXPECT_FALSE(decode_run_event(json, "/events/0", kNow, errors));

    EXPECT_THAT(errors, ElementsAre(FieldError{"/events/0/more", "is not a known field"}));
}

TEST(PostedEvents, OnlyLogStepAndPhaseMayBePosted) {
    std::vector<FieldError> errors;
    const auto json = parse_json(R"({"type":"result","success":true})").value();

    EXPECT_FALSE(decode_run_event(json, "/events/0", kNow, errors));

    EXPECT_EQ(errors.front().field, "/events/0/type");
}

TEST(PostedEvents, EncodingIsReadBackTheSame) {
    const std::vector<RunEvent> events{
        LogEvent{{}, kNow, LogLevel::warning, "ü", R"({"a":1})"},
        StepEvent{kNow, 3, R"({"action":"b","observation":"a","step":3})"},
        PhaseEvent{kNow, "loop", PhaseEdge::end},
    };
    for (const auto& event : events) {
        std::vector<FieldError> errors;
        EXPECT_EQ(decode_run_event(to_json(event), "", Timestamp{}, errors), event);
        EXPECT_TRUE(errors.empty());
    }
}

}  // namespace
}  // namespace opslab
