#include "domain/task_request.hpp"

#include <opslab/testing/matchers.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Decoded {
    std::optional<NewTask> task;
    std::vector<std::string> fields;
};

Decoded decode(const std::string& text) {
    std::vector<FieldError> errors;
    Decoded decoded{
        decode_task_request(parse_json(text).value(), "", {.max_retries = 2}, errors), {}};
    for (const auto& error : errors) {
        decoded.fields.push_back(error.field);
    }
    return decoded;
}

TEST(TaskRequest, FillsDefaults) {
    const auto [task, fields] = decode(R"({"problem_id":"p"})");

    EXPECT_THAT(fields, IsEmpty());
    ASSERT_TRUE(task);
    EXPECT_EQ(*task, (NewTask{.problem_id = "p", .parameters = {.max_retries = 2}}));
}

TEST(TaskRequest, KeepsEveryField) {
    const auto [task, fields] = decode(R"({
        "problem_id":"p","agent_config":{"model":"m","temperature":0.5,"own":[1]},"max_steps":1000,
        "timeout_minutes":180,"callback_url":"https://example.org:8443/hook?x=1","metadata":{"a":null},
        "priority":10,"backend_type":"docker","max_retries":0,"group_id":"g"})");

    EXPECT_THAT(fields, IsEmpty());
    ASSERT_TRUE(task);
    EXPECT_EQ(task->parameters.agent_config_json, R"({"model":"m","own":[1],"temperature":0.5})");
    EXPECT_EQ(task->parameters.callback_url, "https://example.org:8443/hook?x=1");
    EXPECT_EQ(task->parameters.max_retries, 0);
    EXPECT_EQ(task->backend_type, "docker");
    EXPECT_EQ(task->group_id, "g");
}

TEST(TaskRequest, ReportsEveryOffendingFieldAtOnce) {
    const auto [task, fields] = decode(R"({
        "problem_id":"","agent_config":{"model":1,"temperature":2.1},"max_steps":0,
        "timeout_minutes":181,"callback_url":"ftp://x","metadata":[],"priority":11,
        "backend_type":"Docker!","max_retries":-1,"group_id":"","extra":1})");

    EXPECT_FALSE(task);
    EXPECT_THAT(
        fields,
        UnorderedElementsAre(
            "/problem_id",
            "/agent_config/model",
            "/agent_config/temperature",
            "/max_steps",
            "/timeout_minutes",
            "/callback_url",
            "/metadata",
            "/priority",
            "/backend_type",
            "/max_retries",
            "/group_id",
            "/extra"
        )
    );
}

TEST(TaskRequest, AMissingProblemIsNamed) {
    EXPECT_THAT(decode("{}").fields, ElementsAre("/problem_id"));
}

TEST(TaskRequest, WhatIsNoObjectIsRefusedAtItsPlace) {
    EXPECT_THAT(decode("[]").fields, ElementsAre(""));
}

class CallbackUrl : public ::testing::TestWithParam<const char*> {};

TEST_P(CallbackUrl, ThatIsNotAbsoluteHttpIsRefused) {
    const Json request = {{"problem_id", "p"}, {"callback_url", GetParam()}};

    EXPECT_THAT(decode(dump_json(request)).fields, ElementsAre("/callback_url"));
}

INSTANTIATE_TEST_SUITE_P(
    Urls,
    CallbackUrl,
    ::testing::Values(
        "",
        "x",
        "/hook",
        "http://",
        "http:///x",
        "http://:80/",
        "http://a:99999/",
        "http://a:x/",
        "javascript:alert(1)",
        "http://user:secret@host/",
        "http://a b/",
        "http://[::1/",
        "file:///etc"
    )
);

}  // namespace
}  // namespace opslab
