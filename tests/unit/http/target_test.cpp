#include "http/problem.hpp"
#include "http/router.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

namespace opslab {
namespace {

using opslab::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RequestTarget, PrefixIsTakenOff) {
    const auto target = parse_target("/api/v1/tasks/7");

    ASSERT_THAT(target, IsOk());
    EXPECT_THAT(target->segments, ElementsAre("tasks", "7"));
    EXPECT_TRUE(target->api_prefix);
}

TEST(RequestTarget, PrefixIsTakenOffOnce) {
    const auto target = parse_target("/api/v1/api/v1/tasks");

    ASSERT_THAT(target, IsOk());
    EXPECT_THAT(target->segments, ElementsAre("api", "v1", "tasks"));
}

TEST(RequestTarget, OneSlashAtTheEndIsIgnored) {
    EXPECT_THAT(parse_target("/tasks/")->segments, ElementsAre("tasks"));
    EXPECT_THAT(parse_target("/tasks//")->segments, ElementsAre("tasks", ""));
    EXPECT_THAT(parse_target("/")->segments, IsEmpty());
    EXPECT_THAT(parse_target("//")->segments, ElementsAre(""));
    EXPECT_THAT(parse_target("/tasks//7")->segments, ElementsAre("tasks", "", "7"));
}

TEST(RequestTarget, EscapedSlashStaysWithinItsSegment) {
    const auto target = parse_target("/tasks/a%2Fb%2f..");

    ASSERT_THAT(target, IsOk());
    EXPECT_THAT(target->segments, ElementsAre("tasks", "a/b/.."));
}

TEST(RequestTarget, PlusIsABlankInTheQueryOnly) {
    const auto target = parse_target("/a+b?x=c+d%2Be&x=2&&empty=&bare");

    ASSERT_THAT(target, IsOk());
    EXPECT_THAT(target->segments, ElementsAre("a+b"));
    EXPECT_THAT(
        target->query,
        ElementsAre(
            QueryParam{"x", "c d+e"},
            QueryParam{"x", "2"},
            QueryParam{"empty", ""},
            QueryParam{"bare", ""}
        )
    );
}

TEST(RequestTarget, ProxyFormAndFragmentLoseWhatIsNotPath) {
    EXPECT_THAT(parse_target("http://host:80/tasks?x=1")->segments, ElementsAre("tasks"));
    EXPECT_THAT(parse_target("http://host")->segments, IsEmpty());
    EXPECT_THAT(parse_target("/tasks#part")->segments, ElementsAre("tasks"));
}

TEST(RequestTarget, PathOf100KilobytesIsTakenApart) {
    const std::string longest(100'000, 'a');

    EXPECT_THAT(parse_target("/tasks/" + longest)->segments, ElementsAre("tasks", longest));
    EXPECT_EQ(parse_target(std::string(100'001, '/'))->segments.size(), 100'000U);
}

class BadTarget : public ::testing::TestWithParam<const char*> {};

TEST_P(BadTarget, IsAMalformedRequest) {
    const auto target = parse_target(GetParam());

    ASSERT_FALSE(target.has_value());
    EXPECT_EQ(http_status_of(target.error()), 400);
    EXPECT_EQ(problem_code_of(target.error()), "malformed_request");
}

INSTANTIATE_TEST_SUITE_P(
    Targets,
    BadTarget,
    ::testing::Values(
        "",
        "tasks",
        "*",
        "/%",
        "/%4",
        "/%zz",
        "/%-1",
        "/a%00b",
        "/%ff",
        "/%c0%af",     // an overlong slash
        "/%ed%a0%80",  // a surrogate
        "/tasks?x=%",
        "/tasks?%00=1",
        "/tasks?%fe=1"
    )
);

TEST(RequestTarget, ParametersWhoseValueIsNoTextAreAllNamed) {
    const auto target = parse_target("/tasks?x=%fe&y=1&z=a%00b");

    ASSERT_FALSE(target.has_value());
    EXPECT_EQ(problem_code_of(target.error()), "validation_error");
    ASSERT_EQ(target.error().fields.size(), 2U);
    EXPECT_EQ(target.error().fields[0].field, "x");
    EXPECT_EQ(target.error().fields[1].field, "z");
}

}  // namespace
}  // namespace opslab
