#include "remote/answers.hpp"

#include <opslab/testing/matchers.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace opslab {
namespace {

using opslab::testing::IsError;
using ::testing::HasSubstr;

std::string nested(int levels) {
    std::string text;
    for (int i = 0; i < levels; ++i) {
        text += R"({"a":)";
    }
    return text + "1" + std::string(static_cast<std::size_t>(levels), '}');
}

TEST(Answers, AFailureOfTheCoordinatorIsToldApartFromAProxys) {
    const auto ours = [](const std::string& code) {
        return R"({"error":"e","code":")" + code + R"(","details":{}})";
    };

    EXPECT_EQ(read_error(409, ours("stale_attempt")).code, Errc::stale_attempt);
    EXPECT_EQ(read_error(409, ours("worker_registered")).code, Errc::conflict);
    EXPECT_EQ(read_error(404, ours("not_found")).code, Errc::not_found);
    EXPECT_EQ(read_error(400, ours("validation_error")).code, Errc::invalid_argument);
    EXPECT_EQ(read_error(413, ours("body_too_large")).code, Errc::invalid_argument);
    EXPECT_EQ(read_error(401, ours("unauthorized")).code, Errc::unavailable);
    EXPECT_EQ(read_error(503, ours("unavailable")).code, Errc::unavailable);
    // a run must not be given up for what something between the two says
    EXPECT_EQ(read_error(404, "<html>no such site</html>").code, Errc::unavailable);
    EXPECT_EQ(read_error(409, "{}").code, Errc::unavailable);
}

TEST(Answers, WhatIsNoCoordinatorsAnswerIsTriedAgain) {
    for (const auto* text :
         {"null",
          "[]",
          "{}",
          R"({"tasks":1})",
          R"({"tasks":[{}]})",
          R"({"tasks":[{"id":"x"}]})",
          R"({"cancel":1})"}) {
        const auto json = *parse_json(text);
        EXPECT_THAT(read_claimed(json), IsError(Errc::unavailable)) << text;
        EXPECT_THAT(read_running(json), IsError(Errc::unavailable)) << text;
        EXPECT_THAT(read_heartbeat(json), IsError(Errc::unavailable)) << text;
        EXPECT_THAT(read_receipt(json), IsError(Errc::unavailable)) << text;
        EXPECT_THAT(read_task(json), IsError(Errc::unavailable)) << text;
        EXPECT_THAT(read_worker(json), IsError(Errc::unavailable)) << text;
    }
}

TEST(ReadReceipt, TakesTheLengthOfTheLeaseWhereItMakesSense) {
    const auto lease_in = [](const char* more) {
        const auto text =
            R"({"cancel":false,"deadline":"2026-01-31T08:15:30.123456Z")" + std::string(more) + "}";
        return read_receipt(*parse_json(text))->lease;
    };
    EXPECT_EQ(lease_in(R"(,"lease_seconds":1.5)"), std::chrono::milliseconds{1500});
    for (const auto* none :
         {"",
          R"(,"lease_seconds":0)",
          R"(,"lease_seconds":-5)",
          R"(,"lease_seconds":1e300)",
          R"(,"lease_seconds":"60")"}) {
        EXPECT_EQ(lease_in(none), Duration{0}) << none;
    }
}

TEST(WriteEvent, OfAStepOnlyWhatAPostMayHoldIsSent) {
    const StepEvent step{
        .step = 3,
        .body_json = R"({"step":3,"observation":"o","action":"a","of_a_later_driver":1})"};

    const auto sent = *parse_json(write_event(step));

    EXPECT_FALSE(sent.contains("of_a_later_driver"));
    EXPECT_EQ(sent["observation"], "o");
    EXPECT_EQ(sent["step"], 3);
}

TEST(WriteEvent, WhatIsNestedTooDeeplyForAPostIsLeftOut) {
    const LogEvent deep{.message = "m", .context_json = nested(63)};
    const LogEvent fine{.message = "m", .context_json = nested(50)};

    EXPECT_EQ((*parse_json(write_event(deep)))["context"], Json::object());
    EXPECT_EQ((*parse_json(write_event(fine)))["context"], *parse_json(nested(50)));
}

}  // namespace
}  // namespace opslab
