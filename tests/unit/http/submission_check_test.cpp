#include "unit/http/api_fixture.hpp"
#include "unit/service/checked_runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace opslab::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class SubmissionCheck : public ::testing::Test {
protected:
    CheckedRunner docker_{{{"flower", RunnerErrc::task}}};
    ApiUnderTest api_{false, {{"docker", {&docker_, true}}}};
};

TEST_F(SubmissionCheck, ATaskThatTheRunnerCanNeverRunIsAValidationErrorWithItsReason) {
    const auto answer =
        api_.ask(kPost, "/tasks", R"({"problem_id":"flower","backend_type":"docker"})");

    EXPECT_EQ(answer.response.status, 400);
    const auto body = body_of(answer);
    EXPECT_EQ(body.at("code"), "validation_error");
    EXPECT_EQ(
        body.at("details").at("fields"),
        (Json::array({{{"field", "/problem_id"}, {"message", "no room for flower"}}}))
    );
    EXPECT_THAT(api_.storage.submissions, IsEmpty());
}

TEST_F(SubmissionCheck, ABatchNamesEachTaskThatCannotRunAndStoresNone) {
    const auto answer = api_.ask(
        kPost,
        "/api/v1/tasks/batch",
        R"({"tasks":[{"problem_id":"flower"},{"problem_id":"pod"},{"problem_id":"flower"}]})"
    );

    // the scripted storage cannot tell of other workers: then nothing for any backend is refused
    EXPECT_EQ(answer.response.status, 201);
    const auto refused = api_.ask(
        kPost,
        "/tasks/batch",
        R"({"tasks":[{"problem_id":"flower","backend_type":"docker"},{"problem_id":"pod"},)"
        R"({"problem_id":"flower","backend_type":"docker"}]})"
    );
    EXPECT_EQ(refused.response.status, 400);
    const auto fields = body_of(refused).at("details").at("fields");
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields[0].at("field"), "/tasks/0/problem_id");
    EXPECT_EQ(fields[1].at("field"), "/tasks/2/problem_id");
    EXPECT_THAT(api_.storage.submissions, SizeIs(1));
}

TEST_F(SubmissionCheck, ARequestThatIsWrongInItselfIsRefusedWithNobodyAsked) {
    const auto answer = api_.ask(
        kPost, "/tasks", R"({"problem_id":"flower","backend_type":"docker","max_steps":0})"
    );

    EXPECT_EQ(body_of(answer).at("details").at("fields").size(), 1U);
    EXPECT_THAT(docker_.asked(), IsEmpty());
}

TEST_F(SubmissionCheck, WithAKeyTheStorageLooksForAnAnswerOfEarlier) {
    HttpHeaders headers;
    headers.add("Idempotency-Key", "k");
    api_.ask(
        kPost, "/tasks", R"({"problem_id":"flower","backend_type":"docker"})", std::move(headers)
    );

    ASSERT_THAT(api_.storage.submissions, SizeIs(1));
    EXPECT_TRUE(api_.storage.submissions[0].refusal);
}

}  // namespace
}  // namespace opslab::testing
