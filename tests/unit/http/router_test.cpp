#include "http/router.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsNull;
using ::testing::NotNull;

Route a_route(HttpMethod method, std::string pattern) {
    Route route;
    route.method = method;
    route.operation_id = std::string(to_string(method)) + " " + pattern;
    route.pattern = std::move(pattern);
    route.handler = answering([](const HttpRequest&, const PathParams&) { return HttpResponse{}; });
    return route;
}

Router task_router() {
    Router router;
    router.add(a_route(HttpMethod::get, "/tasks"));
    router.add(a_route(HttpMethod::post, "/tasks"));
    router.add(a_route(HttpMethod::get, "/tasks/stats"));
    router.add(a_route(HttpMethod::get, "/tasks/{id}"));
    router.add(a_route(HttpMethod::get, "/tasks/{id}/logs"));
    router.add(a_route(HttpMethod::post, "/tasks/stats/reset"));
    router.add(a_route(HttpMethod::post, "/workers/{id}/tasks/{task}/events"));
    return router;
}

TEST(RouterTable, LiteralSegmentBeatsParameter) {
    const auto router = task_router();

    const auto match = router.match(HttpMethod::get, {"tasks", "stats"});

    ASSERT_THAT(match.route, NotNull());
    EXPECT_EQ(match.pattern, "/tasks/stats");
}

TEST(RouterTable, DeadEndAfterALiteralComesBackToTheParameter) {
    const auto router = task_router();

    const auto match = router.match(HttpMethod::get, {"tasks", "stats", "logs"});

    ASSERT_THAT(match.route, NotNull());
    EXPECT_EQ(match.pattern, "/tasks/{id}/logs");
    EXPECT_EQ(match.params.at("id"), "stats");
}

TEST(RouterTable, EveryParameterOfAPatternIsGiven) {
    const auto router = task_router();

    const auto match =
        router.match(HttpMethod::post, {"workers", "worker-001-kind", "tasks", "a/b", "events"});

    ASSERT_THAT(match.route, NotNull());
    EXPECT_EQ(match.params.at("id"), "worker-001-kind");
    EXPECT_EQ(match.params.at("task"), "a/b");
    EXPECT_THROW(static_cast<void>(match.params.at("other")), std::logic_error);
}

TEST(RouterTable, UnknownPathAllowsNothing) {
    const auto router = task_router();

    const auto match = router.match(HttpMethod::get, {"nothing"});

    EXPECT_THAT(match.route, IsNull());
    EXPECT_THAT(match.allowed, IsEmpty());
    EXPECT_THAT(match.pattern, IsEmpty());
}

TEST(RouterTable, PathThatOnlyBeginsLikeARouteIsUnknown) {
    const auto router = task_router();

    EXPECT_THAT(router.match(HttpMethod::get, {"workers"}).allowed, IsEmpty());
    EXPECT_THAT(router.match(HttpMethod::get, {"tasks", "x", "logs", "y"}).allowed, IsEmpty());
    EXPECT_THAT(router.match(HttpMethod::get, {}).allowed, IsEmpty());
}

TEST(RouterTable, EmptySegmentIsNoParameter) {
    const auto router = task_router();

    EXPECT_THAT(router.match(HttpMethod::get, {"tasks", ""}).allowed, IsEmpty());
}

TEST(RouterTable, KnownPathWithAnotherMethodNamesTheOnesItHas) {
    const auto router = task_router();

    const auto match = router.match(HttpMethod::del, {"tasks"});

    EXPECT_THAT(match.route, IsNull());
    EXPECT_EQ(match.pattern, "/tasks");
    EXPECT_THAT(
        match.allowed,
        ElementsAre(HttpMethod::get, HttpMethod::head, HttpMethod::post, HttpMethod::options)
    );
}

TEST(RouterTable, HeadFindsTheRowOfGet) {
    const auto router = task_router();

    const auto match = router.match(HttpMethod::head, {"tasks"});

    ASSERT_THAT(match.route, NotNull());
    EXPECT_EQ(match.route->operation_id, "GET /tasks");
}

TEST(RouterTable, HeadIsNotServedWhereGetIsNot) {
    const auto router = task_router();

    const auto match = router.match(HttpMethod::head, {"tasks", "stats", "reset"});

    EXPECT_THAT(match.route, IsNull());
    EXPECT_THAT(match.allowed, ElementsAre(HttpMethod::post, HttpMethod::options));
}

TEST(RouterTable, SegmentOf100KilobytesIsMatchedLikeAnyOther) {
    const auto router = task_router();
    const std::string longest(100'000, 'a');

    const auto match = router.match(HttpMethod::get, {"tasks", longest});

    ASSERT_THAT(match.route, NotNull());
    EXPECT_EQ(match.params.at("id"), longest);
}

TEST(RouterTable, HundredThousandSegmentsAreAnUnknownPath) {
    const auto router = task_router();

    const std::vector<std::string> deep(100'000, "tasks");

    EXPECT_THAT(router.match(HttpMethod::get, deep).allowed, IsEmpty());
}

TEST(RouterTable, DefectiveRowIsRefused) {
    Router router;
    router.add(a_route(HttpMethod::get, "/tasks/{id}"));

    EXPECT_THROW(router.add(a_route(HttpMethod::get, "/tasks/{id}")), std::logic_error);
    EXPECT_THROW(router.add(a_route(HttpMethod::get, "/tasks/{task}/logs")), std::logic_error);
    EXPECT_THROW(router.add(a_route(HttpMethod::get, "tasks")), std::logic_error);
    EXPECT_THROW(router.add(a_route(HttpMethod::get, "/tasks//logs")), std::logic_error);
    EXPECT_THROW(router.add(a_route(HttpMethod::head, "/head")), std::logic_error);
    EXPECT_THROW(router.add(Route{.pattern = "/none"}), std::logic_error);
}

}  // namespace
}  // namespace opslab
