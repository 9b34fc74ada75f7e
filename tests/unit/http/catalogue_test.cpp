#include "base/json.hpp"
#include "unit/http/api_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace opslab::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::size_t warnings(ApiUnderTest& api) {
    std::size_t count = 0;
    for (const auto& line : api.logger.lines()) {
        count += line.level == LogLevel::warning && !line.field("problem_id").empty() ? 1U : 0U;
    }
    return count;
}

Result<std::vector<Worker>> no_workers() {
    return std::vector<Worker>{};
}

/// Two of its problems are nobody else's, and of one nothing but the id is known.
Result<std::vector<Worker>> one_worker() {
    return std::vector{Worker{
        .id = WorkerId{"worker-001-docker"},
        .supported_problems = {"mine", "pod_*"},
        .capabilities_json =
            R"({"problems": [{"id": "new-planning-1", "task_type": "planning",)"
            R"( "application": "shop", "deployment": "kubernetes", "needs": ["chaos-mesh"]}]})"}};
}

std::vector<std::string> refused_fields(const Answer& answer) {
    std::vector<std::string> fields;
    const auto body = body_of(answer);
    for (const auto& field : body.at("details").at("fields")) {
        fields.push_back(field.at("field").get<std::string>());
    }
    return fields;
}

TEST(Problems, AreListedWithWhatTheyNeed) {
    ApiUnderTest api;
    api.storage.on_workers = no_workers;

    const auto body = body_of(api.ask(kGet, "/api/v1/problems"));

    EXPECT_EQ(body.at("total"), 89);
    EXPECT_EQ(body.at("problems").size(), 89U);
    EXPECT_EQ(body.at("source").at("repository"), "microsoft/AIOpsLab");
    for (const auto& problem : body.at("problems")) {
        if (problem.at("id") == "pod_kill_hotel_res-detection-1") {
            EXPECT_EQ(problem.at("needs"), Json::array({"chaos-mesh"}));
            EXPECT_EQ(problem.at("application"), "hotel-reservation");
            EXPECT_EQ(problem.at("deployment"), "kubernetes");
            EXPECT_TRUE(problem.at("told_by").is_null());
        }
    }
}

TEST(Problems, ThatWorkersTellOfAreListedBehindTheTable) {
    ApiUnderTest api;
    api.storage.on_workers = one_worker;

    const auto body = body_of(api.ask(kGet, "/problems"));

    EXPECT_EQ(body.at("total"), 91);
    EXPECT_EQ(
        body.at("problems").at(89),
        Json::parse(R"({"id": "new-planning-1", "task_type": "planning", "application": "shop",
                        "deployment": "kubernetes", "needs": ["chaos-mesh"],
                        "told_by": "worker-001-docker"})")
    );
    EXPECT_EQ(
        body.at("problems").at(90),
        Json::parse(R"({"id": "mine", "task_type": null, "application": null, "deployment": null,
                        "needs": [], "told_by": "worker-001-docker"})")
    );
    EXPECT_EQ(body_of(api.ask(kGet, "/problems?task_type=planning&app=shop")).at("total"), 1);
    EXPECT_EQ(body_of(api.ask(kGet, "/problems?task_type=detection")).at("total"), 34);
}

TEST(Problems, CannotBeToldWhileTheStorageIsAway) {
    ApiUnderTest api;

    EXPECT_EQ(api.ask(kGet, "/problems").response.status, 503);
}

TEST(Problems, AreFilteredByTypeAndApplication) {
    ApiUnderTest api;
    api.storage.on_workers = no_workers;

    EXPECT_EQ(body_of(api.ask(kGet, "/problems?task_type=mitigation")).at("total"), 14);
    EXPECT_EQ(body_of(api.ask(kGet, "/problems?app=flower")).at("total"), 2);
    EXPECT_EQ(body_of(api.ask(kGet, "/problems?app=flower&task_type=analysis")).at("total"), 0);
}

TEST(Problems, OfAnUnknownTypeApplicationOrParameterAreRefused) {
    ApiUnderTest api;
    api.storage.on_workers = no_workers;

    for (const auto* query : {"task_type=guessing", "app=none", "application=flower"}) {
        EXPECT_EQ(api.ask(kGet, std::string("/problems?") + query).response.status, 400) << query;
    }
}

TEST(UnknownProblems, AreAcceptedAndToldOnce) {
    ApiUnderTest api;
    api.storage.on_workers = one_worker;

    for (int i = 0; i < 3; ++i) {
        EXPECT_NE(api.ask(kPost, "/tasks", R"({"problem_id":"odd"})").response.status, 400);
    }
    api.ask(kPost, "/tasks/batch", R"({"tasks":[{"problem_id":"odd"},{"problem_id":"odder"}]})");
    api.ask(kPost, "/tasks", R"({"problem_id":"container_kill-detection"})");
    api.ask(kPost, "/tasks", R"({"problem_id":"mine"})");

    EXPECT_EQ(warnings(api), 2U);
}

TEST(UnknownProblems, AreRefusedWhereTheSettingSaysSo) {
    ApiUnderTest api{true};
    api.storage.on_workers = no_workers;

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

TEST(UnknownProblems, AreRefusedByTheStorageWhereAKeyMayHaveBeenUsedBefore) {
    ApiUnderTest api{true};
    api.storage.on_workers = no_workers;
    HttpHeaders headers;
    headers.add("Idempotency-Key", "key");

    api.ask(kPost, "/tasks", R"({"problem_id":"odd"})", headers);

    ASSERT_EQ(api.storage.submissions.size(), 1U);
    EXPECT_TRUE(api.storage.submissions[0].refusal.has_value());
}

TEST(UnknownProblems, AreNamedBesideAllElseThatIsWrong) {
    ApiUnderTest api{true};
    api.storage.on_workers = one_worker;

    const auto one = api.ask(kPost, "/tasks", R"({"problem_id":"odd","max_steps":0})");
    const auto batch = api.ask(
        kPost,
        "/tasks/batch",
        R"({"tasks":[{"problem_id":"mine","max_steps":0},7,{"problem_id":"odd"}]})"
    );

    EXPECT_THAT(refused_fields(one), UnorderedElementsAre("/max_steps", "/problem_id"));
    EXPECT_THAT(
        refused_fields(batch),
        UnorderedElementsAre("/tasks/0/max_steps", "/tasks/1", "/tasks/2/problem_id")
    );
    EXPECT_THAT(
        refused_fields(api.ask(kPost, "/tasks", R"({"problem_id":""})")), ElementsAre("/problem_id")
    );
}

TEST(UnknownProblems, AreNoneThatAWorkerTellsOf) {
    ApiUnderTest api{true};
    api.storage.on_workers = one_worker;

    EXPECT_EQ(api.ask(kPost, "/tasks", R"({"problem_id":"mine"})").response.status, 201);
    EXPECT_EQ(api.ask(kPost, "/tasks", R"({"problem_id":"new-planning-1"})").response.status, 201);
    EXPECT_EQ(api.ask(kPost, "/tasks", R"({"problem_id":"pod_x"})").response.status, 400);
}

TEST(UnknownProblems, AreNoQuestionToTheStorageWhereTheTableHasThem) {
    ApiUnderTest api{true};

    for (int i = 0; i < 10; ++i) {
        const auto answer =
            api.ask(kPost, "/tasks", R"({"problem_id":"container_kill-detection"})");
        EXPECT_EQ(answer.response.status, 201);
    }
    EXPECT_EQ(api.storage.worker_reads, 0);
    EXPECT_EQ(api.ask(kPost, "/tasks", R"({"problem_id":"odd"})").response.status, 503);
}

}  // namespace
}  // namespace opslab::testing
