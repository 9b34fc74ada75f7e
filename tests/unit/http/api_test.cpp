#include "base/json.hpp"
#include "http/event_stream.hpp"
#include "unit/http/api_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace opslab::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kTask = "01948f3a-0000-7000-8000-000000000001";

std::vector<std::string> fields_of(const Answer& answer) {
    std::vector<std::string> names;
    const auto body = body_of(answer);
    for (const auto& field : body.at("details").at("fields")) {
        names.push_back(field.at("field").get<std::string>());
    }
    return names;
}

void collect_refs(const Json& value, std::set<std::string>& refs) {
    if (value.is_object() && value.contains("$ref")) {
        refs.insert(value.at("$ref").get<std::string>());
    }
    for (const auto& inner : value) {
        if (inner.is_structured()) {
            collect_refs(inner, refs);
        }
    }
}

TEST(OpenApiDocument, DescribesExactlyTheRoutes) {
    ApiUnderTest api;
    const auto document = body_of(api.ask(kGet, "/openapi.json"));
    std::map<std::string, std::string> described;
    for (const auto& [path, methods] : document.at("paths").items()) {
        for (const auto& [method, operation] : methods.items()) {
            described[method + " " + path] = operation.at("operationId").get<std::string>();
        }
    }
    std::map<std::string, std::string> routed;
    for (const auto* route : api.router().routes()) {
        const auto* const method = route->method == HttpMethod::get    ? "get "
                                   : route->method == HttpMethod::post ? "post "
                                                                       : "delete ";
        routed[method + route->pattern] = route->operation_id;
    }

    EXPECT_EQ(described, routed);
    EXPECT_GE(routed.size(), 30U);  // not all routes of nothing
}

TEST(OpenApiDocument, HasEveryPartThatItRefersTo) {
    ApiUnderTest api;
    const auto document = body_of(api.ask(kGet, "/openapi.json"));
    std::set<std::string> refs;
    collect_refs(document, refs);

    for (const auto& ref : refs) {
        EXPECT_TRUE(document.contains(Json::json_pointer(ref.substr(1)))) << ref;
    }
}

TEST(SubmitTask, AnswersTheStoredTaskAndWhereItIs) {
    ApiUnderTest api;

    const auto answer = api.ask(kPost, "/api/v1/tasks", R"({"problem_id":"p"})");

    EXPECT_EQ(answer.response.status, 201);
    const auto id = body_of(answer).at("id").get<std::string>();
    EXPECT_EQ(answer.response.headers.find("Location"), "/api/v1/tasks/" + id);
}

TEST(SubmitTask, TheSameJsonWrittenOtherwiseHasTheSameFingerprint) {
    ApiUnderTest api;
    HttpHeaders headers;
    headers.add("idempotency-key", "k 1");

    api.ask(kPost, "/tasks", R"({"problem_id":"p","priority":3})", headers);
    api.ask(kPost, "/tasks", R"({ "priority" : 3, "problem_id" : "\u0070" })", headers);
    api.ask(kPost, "/tasks", R"({"problem_id":"p","priority":4})", headers);

    ASSERT_THAT(api.storage.submissions, SizeIs(3));
    const auto& kept = api.storage.submissions;
    EXPECT_EQ(kept[0].key->key, "k 1");
    EXPECT_EQ(kept[0].key->fingerprint, kept[1].key->fingerprint);
    EXPECT_NE(kept[0].key->fingerprint, kept[2].key->fingerprint);
}

TEST(SubmitTask, ListsEveryWrongFieldAtOnce) {
    ApiUnderTest api;
    HttpHeaders headers;
    headers.add("Idempotency-Key", "tab\there");

    const auto answer = api.ask(
        kPost,
        "/tasks?x=1",
        R"({"max_steps":30.0,"priority":11,"odd":1,"metadata":{"a":"\u0000"}})",
        headers
    );

    EXPECT_EQ(answer.response.status, 400);
    EXPECT_THAT(
        fields_of(answer),
        ::testing::UnorderedElementsAre(
            "x", "Idempotency-Key", "/problem_id", "/max_steps", "/priority", "/odd", "/metadata/a"
        )
    );
    EXPECT_THAT(api.storage.submissions, IsEmpty());
}

struct BadBody {
    std::string body;
    int status;
    std::string code;
};

TEST(SubmitTask, RefusesBodiesThatAreNoGoodJsonAndStoresNothing) {
    ApiUnderTest api;
    const std::vector<BadBody> bodies{
        {"", 400, "malformed_json"},
        {"{", 400, "malformed_json"},
        {R"({"problem_id":"a","problem_id":"b"})", 400, "malformed_json"},
        {"{\"problem_id\":\"\xff\"}", 400, "malformed_json"},
        {R"({"problem_id":"\ud800"})", 400, "malformed_json"},
        {std::string(200'000, '['), 400, "malformed_json"},
        {"[]", 400, "validation_error"},
        {"null", 400, "validation_error"},
        {R"({"problem_id":"\u0000"})", 400, "validation_error"},
        {R"({"problem_id":1})", 400, "validation_error"},
    };

    for (const auto& bad : bodies) {
        const auto answer = api.ask(kPost, "/tasks", bad.body);
        EXPECT_EQ(answer.response.status, bad.status) << bad.body.substr(0, 80);
        EXPECT_EQ(body_of(answer).at("code"), bad.code) << bad.body.substr(0, 80);
    }
    EXPECT_THAT(api.storage.submissions, IsEmpty());
}

TEST(SubmitTask, AnotherContentTypeIs415) {
    ApiUnderTest api;
    HttpHeaders headers;
    headers.add("Content-Type", "text/plain");

    EXPECT_EQ(api.ask(kPost, "/tasks", R"({"problem_id":"p"})", headers).response.status, 415);
}

TEST(SubmitTask, AStorageThatIsAwayIs503WithRetryAfterAndNoDetail) {
    ApiUnderTest api;
    api.storage.takes_submissions = false;

    const auto answer = api.ask(kPost, "/tasks", R"({"problem_id":"p"})");

    EXPECT_EQ(answer.response.status, 503);
    EXPECT_TRUE(answer.response.headers.find("Retry-After"));
    EXPECT_THAT(answer.response.body, Not(HasSubstr("secret")));
}

TEST(SubmitBatch, NamesTheFieldOfTheTaskThatIsWrongAndRefusesTooFewOrMany) {
    ApiUnderTest api;
    const auto one = api.ask(
        kPost, "/tasks/batch", R"({"tasks":[{"problem_id":"p"},{"problem_id":"p","max_steps":0}]})"
    );
    Json many = {{"tasks", Json::array()}};
    for (int i = 0; i < 1001; ++i) {
        many["tasks"].push_back({{"problem_id", "p"}});
    }

    EXPECT_THAT(fields_of(one), Contains("/tasks/1/max_steps"));
    EXPECT_EQ(api.ask(kPost, "/tasks/batch", R"({"tasks":[]})").response.status, 400);
    EXPECT_EQ(api.ask(kPost, "/tasks/batch", dump_json(many)).response.status, 400);
    EXPECT_THAT(api.storage.submissions, IsEmpty());
}

TEST(ListTasks, ACursorOpensWithItsOwnSortAndFiltersOnly) {
    ApiUnderTest api;
    std::vector<TaskQuery> queries;
    api.storage.on_list = [&](const TaskQuery& query) {
        queries.push_back(query);
        TaskPage page{.tasks = {Task{}}, .total = 9, .more = true};
        page.tasks[0].id = TaskId{kTask};
        page.tasks[0].created_at = from_micros(7);
        return Result<TaskPage>(page);
    };
    const auto first = body_of(api.ask(kGet, "/tasks?status=pending&limit=1"));
    const auto cursor = "&cursor=" + first.at("next_cursor").get<std::string>();

    EXPECT_EQ(api.ask(kGet, "/tasks?status=pending" + cursor).response.status, 200);
    EXPECT_EQ(queries.back().after->value, 7);
    EXPECT_EQ(queries.back().after->id.value, kTask);
    EXPECT_THAT(fields_of(api.ask(kGet, "/tasks?status=failed" + cursor)), Contains("cursor"));
    EXPECT_THAT(
        fields_of(api.ask(kGet, "/tasks?status=pending&sort=priority" + cursor)), Contains("cursor")
    );
    EXPECT_THAT(
        fields_of(api.ask(kGet, "/tasks?status=pending&offset=0" + cursor)), Contains("offset")
    );
}

TEST(Queries, EveryBadParameterIsListed) {
    ApiUnderTest api;

    EXPECT_THAT(
        fields_of(
            api.ask(kGet, "/tasks?status=x&limit=0&offset=-1&sort=a&limit=5&odd=1&worker_id=w")
        ),
        ::testing::UnorderedElementsAre(
            "status", "limit", "offset", "sort", "limit", "odd", "worker_id"
        )
    );
    EXPECT_THAT(
        fields_of(api.ask(kGet, "/tasks/" + kTask + "/logs?level=loud&since=now&limit=1001")),
        ::testing::UnorderedElementsAre("level", "since", "limit")
    );
    EXPECT_THAT(
        fields_of(api.ask(kGet, "/trajectories?format=csv&since_cursor=x&wait_seconds=301")),
        ::testing::UnorderedElementsAre("format", "since_cursor", "wait_seconds")
    );
}

TEST(Paths, MalformedIdsAre400) {
    ApiUnderTest api;

    EXPECT_THAT(fields_of(api.ask(kGet, "/tasks/nope")), Contains("id"));
    EXPECT_THAT(fields_of(api.ask(kGet, "/workers/nope")), Contains("id"));
    EXPECT_THAT(
        fields_of(api.ask(
            kPost,
            "/workers/worker-1-x/tasks/nope/fail",
            R"({"attempt":0,"kind":"timeout","odd":1})"
        )),
        ::testing::UnorderedElementsAre("id", "task", "/attempt", "/error", "/kind", "/odd")
    );
}

TEST(Workers, BadBodiesOfEveryCallAre400) {
    ApiUnderTest api;
    const std::string worker = "/workers/worker-001-kind";
    const std::string run = worker + "/tasks/" + kTask;
    const std::vector<std::pair<std::string, std::string>> calls{
        {"/workers/register", R"({"id":"worker-001-kind","backend_type":"docker"})"},
        {"/workers/heartbeat", R"({"worker_id":"worker-001-kind","status":"offline"})"},
        {worker + "/claim", R"({"max":1001})"},
        {worker + "/claim", R"({"wait_seconds":31})"},
        {run + "/events", R"({"attempt":1,"events":[{"type":"dance"}]})"},
        {run + "/events", R"({"events":[]})"},
        {run + "/complete", R"({"attempt":1})"},
        {run + "/complete", R"({"attempt":1.0,"result":{"success":true}})"},
        {"/workers/internal/scale", R"({"num_workers":51})"},
        {"/workers/internal/start", R"({"now":true})"},
    };

    for (const auto& [target, body] : calls) {
        EXPECT_EQ(api.ask(kPost, target, body).response.status, 400) << target << " " << body;
    }
}

TEST(TaskEvents, ReplayTheHistoryAndCloseAfterTheEndAndResumeWithoutRepeat) {
    ApiUnderTest api;
    TaskDetail detail;
    detail.task.id = TaskId{kTask};
    detail.task.status = TaskStatus::completed;
    api.storage.on_details = [&](auto) { return std::vector<TaskDetail>{detail}; };
    const std::vector<StoredEvent> history{
        {1, 0, StatusEvent{}},
        {2, 1, LogEvent{.message = "line\nbreak"}},
        {3, 1, PhaseEvent{.name = "loop"}},
        {4, 1, StepEvent{.body_json = R"({"observation":"o","action":"a"})"}},
        {5, 1, StatusEvent{.status = TaskStatus::completed}},
    };
    api.storage.on_events = [&](std::int64_t after, int limit) {
        std::vector<StoredEvent> page;
        for (const auto& event : history) {
            if (event.seq > after && page.size() < static_cast<std::size_t>(limit)) {
                page.push_back(event);
            }
        }
        return Result<std::vector<StoredEvent>>(page);
    };
    const auto read = [&](HttpHeaders headers) {
        const auto answer = api.ask(kGet, "/tasks/" + kTask + "/events", {}, std::move(headers));
        EXPECT_EQ(answer.response.content_type, "text/event-stream");
        answer.source->start(StreamWaker{});
        auto step = answer.source->next();
        EXPECT_EQ(step.then, StreamStep::Then::end);
        return step.bytes;
    };
    HttpHeaders resumed;
    resumed.add("Last-Event-ID", seal_event_id(TaskId{kTask}, {4, false}));
    HttpHeaders all_but_end;
    all_but_end.add("Last-Event-ID", seal_event_id(TaskId{kTask}, {5, false}));
    HttpHeaders ended;
    ended.add("Last-Event-ID", seal_event_id(TaskId{kTask}, {5, true}));
    HttpHeaders future;
    future.add("Last-Event-ID", seal_event_id(TaskId{kTask}, {6, false}));
    const auto all = read({});
    const auto rest = read(resumed);

    for (const auto* name : {"event: status", "event: log", "event: step", "event: end"}) {
        EXPECT_THAT(all, HasSubstr(name));
    }
    EXPECT_THAT(all, Not(HasSubstr("phase\"")));
    EXPECT_THAT(rest, Not(HasSubstr("event: step")));
    EXPECT_THAT(rest, HasSubstr("event: end"));
    const auto last = read(all_but_end);
    EXPECT_THAT(last, Not(HasSubstr("event: status")));
    EXPECT_THAT(last, HasSubstr("event: end"));
    EXPECT_EQ(api.ask(kGet, "/tasks/" + kTask + "/events", {}, ended).response.status, 204);
    EXPECT_EQ(api.ask(kGet, "/tasks/" + kTask + "/events", {}, future).response.status, 400);
}

TEST(TaskEvents, ACommentComesEveryFifteenSeconds) {
    ApiUnderTest api;
    api.storage.on_details = [&](auto) { return std::vector<TaskDetail>(1); };
    api.storage.on_events = [](std::int64_t, int) { return std::vector<StoredEvent>{}; };
    const auto answer = api.ask(kGet, "/tasks/" + kTask + "/events");
    answer.source->start(StreamWaker{});
    const auto first = answer.source->next();
    ASSERT_EQ(first.then, StreamStep::Then::wait);
    EXPECT_EQ(answer.source->next().bytes, "");

    api.clock.advance(EventStream::kHeartbeat);

    EXPECT_EQ(first.until, api.clock.steady());
    EXPECT_EQ(answer.source->next().bytes, ": still here\n\n");
}

TEST(Probes, TellAProcessThatIsUpFromAStorageThatAnswers) {
    ApiUnderTest api;

    EXPECT_EQ(api.ask(kGet, "/live").response.status, 200);
    EXPECT_EQ(api.ask(kGet, "/ready").response.status, 503);
    EXPECT_EQ(body_of(api.ask(kGet, "/health")).at("status"), "degraded");
    EXPECT_EQ(api.ask(kGet, "/metrics").response.body, "up 1\n");
}

TEST(DocsPage, AllowsNothingFromElsewhere) {
    ApiUnderTest api;
    const auto answer = api.ask(kGet, "/docs");
    const auto policy = answer.response.headers.find("Content-Security-Policy");

    ASSERT_TRUE(policy);
    EXPECT_THAT(
        std::string(*policy), ::testing::ContainsRegex("script-src 'self' 'sha256-[^']{43}='")
    );
    EXPECT_THAT(answer.response.body, Not(HasSubstr("http://")));
    EXPECT_THAT(answer.response.body, Not(HasSubstr("https://")));
}

}  // namespace
}  // namespace opslab::testing
