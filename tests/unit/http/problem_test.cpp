#include "http/problem.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

TEST(ErrorForm, EveryCodeHasItsStatus) {
    const std::vector<std::pair<Errc, int>> expected{
        {Errc::invalid_argument, 400},
        {Errc::not_found, 404},
        {Errc::conflict, 409},
        {Errc::stale_attempt, 409},
        {Errc::unavailable, 503},
        {Errc::timeout, 503},
        {Errc::exhausted, 503},
        {Errc::permission_denied, 403},
        {Errc::unsupported, 501},
        {Errc::internal, 500}};

    for (const auto& [code, status] : expected) {
        EXPECT_EQ(problem_response(Error{.code = code, .message = "x"}).status, status)
            << to_string(code);
    }
}

TEST(ErrorForm, ValidationErrorListsEveryField) {
    Error error{.code = Errc::invalid_argument, .message = "two fields are wrong"};
    error.fields = {{"/max_steps", "too large"}, {"/priority", "not an integer"}};

    const auto response = problem_response(error);

    EXPECT_EQ(
        response.body,
        R"({"code":"validation_error","details":{"fields":[)"
        R"({"field":"/max_steps","message":"too large"},)"
        R"({"field":"/priority","message":"not an integer"}]},"error":"two fields are wrong"})"
    );
}

TEST(ErrorForm, InternalErrorTellsTheClientNothingAndTheLogEverything) {
    const auto response = problem_response(Error{
        .code = Errc::internal, .message = "SELECT secret", .detail = "/etc/shadow"});

    EXPECT_THAT(response.body, Not(HasSubstr("SELECT")));
    EXPECT_THAT(response.body, Not(HasSubstr("shadow")));
    EXPECT_EQ(response.cause, "SELECT secret: /etc/shadow");
}

TEST(ErrorForm, DetailNeverLeaves) {
    const auto response = problem_response(Error{
        .code = Errc::unavailable, .message = "storage is away", .detail = "password=hunter2"});

    EXPECT_THAT(response.body, Not(HasSubstr("hunter2")));
}

TEST(ErrorForm, ServiceUnavailableSaysWhenToComeBack) {
    const auto response =
        problem_response(Error{.code = Errc::unavailable, .message = "storage is away"});

    EXPECT_THAT(response.headers.find("retry-after"), Optional(std::string_view("1")));
}

TEST(ErrorForm, BytesThatAreNoTextDoNotBreakIt) {
    const auto response =
        problem_response(Error{.code = Errc::not_found, .message = "no \xff\xfe \x01\"thing"});

    EXPECT_EQ(response.status, 404);
    EXPECT_THAT(response.body, HasSubstr("\\u0001"));
}

HttpRequest with_type(const char* type) {
    HttpRequest request;
    request.body = "{}";
    request.headers.add("content-type", type);
    return request;
}

TEST(JsonContent, OtherTypesAndCharsetsAreRefused) {
    for (const char* good :
         {"application/json",
          "Application/JSON; charset=UTF-8",
          "application/json;charset=\"utf-8\"",
          "application/merge-patch+json"}) {
        EXPECT_TRUE(require_json_content(with_type(good)).has_value()) << good;
    }
    for (const char* bad :
         {"text/plain",
          "application/jsonx",
          "application/+json",
          "application/json; charset=latin1",
          ""}) {
        const auto status = require_json_content(with_type(bad));
        ASSERT_FALSE(status.has_value()) << bad;
        EXPECT_EQ(http_status_of(status.error()), 415) << bad;
    }
}

TEST(JsonContent, MissingTypeIsFineForNoBodyOnly) {
    HttpRequest request;
    EXPECT_TRUE(require_json_content(request).has_value());

    request.body = "{}";
    EXPECT_FALSE(require_json_content(request).has_value());
}

}  // namespace
}  // namespace opslab
