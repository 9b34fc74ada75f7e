#include "base/json.hpp"
#include "unit/http/api_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace opslab::testing {
namespace {

using ::testing::HasSubstr;

std::size_t warnings(ApiUnderTest& api) {
    std::size_t count = 0;
    for (const auto& line : api.logger.lines()) {
        count += line.level == LogLevel::warning && !line.field("problem_id").empty() ? 1U : 0U;
    }
    return count;
}

TEST(Problems, AreListedWithWhatTheyNeed) {
    ApiUnderTest api;

    const auto body = body_of(api.ask(kGet, "/api/v1/problems"));

    EXPECT_EQ(body.at("total"), 89);
    EXPECT_EQ(body.at("problems").size(), 89U);
    EXPECT_EQ(body.at("source").at("repository"), "microsoft/AIOpsLab");
    for (const auto& problem : body.at("problems")) {
        if (problem.at("id") == "pod_kill_hotel_res-detection-1") {
            EXPECT_EQ(problem.at("needs"), Json::array({"chaos-mesh"}));
            EXPECT_EQ(problem.at("application"), "hotel-reservation");
            EXPECT_EQ(problem.at("deployment"), "kubernetes");
        }
    }
}

TEST(Problems, AreFilteredByTypeAndApplication) {
    ApiUnderTest api;

    EXPECT_EQ(body_of(api.ask(kGet, "/problems?task_type=mitigation")).at("total"), 14);
    EXPECT_EQ(body_of(api.ask(kGet, "/problems?app=flower")).at("total"), 2);
    EXPECT_EQ(body_of(api.ask(kGet, "/problems?app=flower&task_type=analysis")).at("total"), 0);
}

TEST(Problems, OfAnUnknownTypeApplicationOrParameterAreRefused) {
    ApiUnderTest api;

    for (const auto* query : {"task_type=guessing", "app=none", "application=flower"}) {
        EXPECT_EQ(api.ask(kGet, std::string("/problems?") + query).response.status, 400) << query;
    }
}

TEST(UnknownProblems, AreAcceptedAndToldOnce) {
    ApiUnderTest api;

    for (int i = 0; i < 3; ++i) {
        EXPECT_NE(api.ask(kPost, "/tasks", R"({"problem_id":"odd"})").response.status, 400);
    }
    api.ask(kPost, "/tasks/batch", R"({"tasks":[{"problem_id":"odd"},{"problem_id":"odder"}]})");
    api.ask(kPost, "/tasks", R"({"problem_id":"container_kill-detection"})");

    EXPECT_EQ(warnings(api), 2U);
}

TEST(UnknownProblems, AreRefusedWhereTheSettingSaysSo) {
    ApiUnderTest api{TaskDefaults{.strict_problems = true}};

    const auto one = api.ask(kPost, "/tasks", R"({"problem_id":"odd"})");
    const auto batch = api.ask(
        kPost,
        "/tasks/batch",
        R"({"tasks":[{"problem_id":"container_kill-detection"},{"problem_id":"odd"}]})"
    );

    for (const auto* answer : {&one, &batch}) {
        EXPECT_EQ(answer->response.status, 400);
        EXPECT_EQ(body_of(*answer).at("code"), "validation_error");
    }
    EXPECT_THAT(one.response.body, HasSubstr("\"/problem_id\""));
    EXPECT_THAT(batch.response.body, HasSubstr("\"/tasks/1/problem_id\""));
}

}  // namespace
}  // namespace opslab::testing
