#include "http/dispatcher.hpp"

#include "http/problem.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>

#include <stdexcept>

namespace opslab {
namespace {

using opslab::testing::CapturingLogger;
using opslab::testing::FakeClock;
using opslab::testing::FakeEntropy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::Optional;

class KeptAnswer final : public ResponseSink {
public:
    explicit KeptAnswer(std::vector<HttpResponse>& answers) : answers_(answers) {}
    void respond(HttpResponse response) noexcept override {
        answers_.push_back(std::move(response));
    }
    void stream(StreamHead, std::unique_ptr<StreamSource>) noexcept override {}

private:
    std::vector<HttpResponse>& answers_;
};

/// A sink that answers otherwise than told, as a server past its deadline does.
class StubbornAnswer final : public ResponseSink {
public:
    void respond(HttpResponse) noexcept override { report_(503, false); }
    void stream(StreamHead, std::unique_ptr<StreamSource>) noexcept override {}
    bool keep_report(const AnswerReport& report) override {
        report_ = report;
        return true;
    }

private:
    AnswerReport report_{};
};

class KeptRecords final : public RequestObserver {
public:
    void done(const RequestRecord& record) noexcept override {
        lines.push_back(
            std::string(record.method) + " " + std::string(record.pattern) + " " +
            std::to_string(record.status)
        );
    }
    std::vector<std::string> lines{};
};

class DispatcherTest : public ::testing::Test {
protected:
    static Router router() {
        Router router;
        const auto add = [&router](HttpMethod method, std::string pattern, Handler handler) {
            Route route;
            route.method = method;
            route.pattern = std::move(pattern);
            route.operation_id = "op";
            route.handler = std::move(handler);
            router.add(std::move(route));
        };
        add(HttpMethod::get, "/echo/{word}", answering([](const auto& request, const auto& params) {
                return json_response(200, std::string(request.prefix()) + "|" + params.at("word"));
            }));
        add(HttpMethod::get, "/throw", [](const auto&, const auto&, Responder) {
            throw std::runtime_error("the disk is on fire");
        });
        add(HttpMethod::get, "/throw-int", [](const auto&, const auto&, Responder) { throw 7; });
        add(HttpMethod::get, "/forget", [](const auto&, const auto&, Responder) {});
        add(HttpMethod::get, "/defect", [](const auto&, const auto&, Responder responder) {
            responder.fail(Error{.code = Errc::internal, .message = "m", .detail = "row 9 is bad"});
        });
        add(HttpMethod::get, "/away", [](const auto&, const auto&, Responder responder) {
            responder.fail(Error{
                .code = Errc::unavailable, .message = "away", .detail = "SELECT 1: no route"});
        });
        add(HttpMethod::get, "/trace", answering([](const auto& request, const auto&) {
                return json_response(200, request.traceparent);
            }));
        add(HttpMethod::post, "/twice", [](const auto&, const auto&, Responder responder) {
            responder.respond(json_response(201, "1"));
            responder.respond(json_response(202, "2"));
        });
        Route open;
        open.pattern = "/open";
        open.access = Access::open;
        open.handler = answering([](const auto&, const auto&) { return json_response(200, "{}"); });
        router.add(std::move(open));
        return router;
    }

    Dispatcher dispatcher(std::string token = {}) {
        return Dispatcher(
            router(), {.bearer_token = std::move(token)}, clock_, entropy_, logger_, &records_
        );
    }

    HttpResponse ask(
        Dispatcher& dispatcher,
        HttpMethod method,
        std::string target,
        const std::vector<HttpHeaders::Field>& headers = {}
    ) {
        HttpRequest request;
        request.method = method;
        request.method_name = to_string(method);
        request.target = std::move(target);
        for (const auto& [name, value] : headers) {
            request.headers.add(name, value);
        }
        std::vector<HttpResponse> answers;
        dispatcher.dispatch(std::move(request), std::make_unique<KeptAnswer>(answers));
        EXPECT_EQ(answers.size(), 1U);
        return answers.empty() ? HttpResponse{} : answers.front();
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    KeptRecords records_;
};

TEST_F(DispatcherTest, EveryPathAnswersUnderThePrefixToo) {
    auto dispatcher = this->dispatcher();

    EXPECT_EQ(ask(dispatcher, HttpMethod::get, "/echo/a%20b").body, "|a b");
    EXPECT_EQ(ask(dispatcher, HttpMethod::get, "/api/v1/echo/x/").body, "/api/v1|x");
}

TEST_F(DispatcherTest, UnknownPathIs404InTheErrorForm) {
    auto dispatcher = this->dispatcher();

    const auto answer = ask(dispatcher, HttpMethod::get, "/nothing");

    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, R"({"code":"not_found","details":{},"error":"no such path"})");
    EXPECT_THAT(records_.lines, ElementsAre("GET unmatched 404"));
}

TEST_F(DispatcherTest, KnownPathWithAnotherMethodIs405WithAllow) {
    auto dispatcher = this->dispatcher();

    const auto answer = ask(dispatcher, HttpMethod::del, "/echo/x");

    EXPECT_EQ(answer.status, 405);
    EXPECT_THAT(answer.headers.find("Allow"), Optional(std::string_view("GET, HEAD, OPTIONS")));
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"method_not_allowed")"));
}

TEST_F(DispatcherTest, HeadRunsGetsHandler) {
    auto dispatcher = this->dispatcher();

    EXPECT_EQ(ask(dispatcher, HttpMethod::head, "/echo/x").status, 200);
}

TEST_F(DispatcherTest, OptionsIs204WithAllow) {
    auto dispatcher = this->dispatcher("secret");

    const auto answer = ask(dispatcher, HttpMethod::options, "/twice");

    EXPECT_EQ(answer.status, 204);
    EXPECT_THAT(answer.headers.find("Allow"), Optional(std::string_view("POST, OPTIONS")));
    EXPECT_EQ(ask(dispatcher, HttpMethod::options, "*").status, 204);
    EXPECT_EQ(ask(dispatcher, HttpMethod::options, "/nothing").status, 404);
}

TEST_F(DispatcherTest, BadTargetIs400) {
    auto dispatcher = this->dispatcher();

    for (const char* target : {"/echo/%zz", "/echo/%00", "/echo/%ff", "/open?x=%", "echo"}) {
        const auto answer = ask(dispatcher, HttpMethod::get, target);
        EXPECT_EQ(answer.status, 400) << target;
        EXPECT_THAT(answer.body, HasSubstr(R"("code":"malformed_request")")) << target;
    }
}

TEST_F(DispatcherTest, SaneRequestIdComesBack) {
    auto dispatcher = this->dispatcher();

    const auto answer = ask(dispatcher, HttpMethod::get, "/open", {{"x-request-id", "my-Id_1.2"}});

    EXPECT_THAT(answer.headers.find("X-Request-ID"), Optional(std::string_view("my-Id_1.2")));
}

TEST_F(DispatcherTest, AnyOtherRequestIdIsReplaced) {
    auto dispatcher = this->dispatcher();

    for (const auto& id :
         {std::string(),
          std::string("a b"),
          std::string("a\r\nb"),
          std::string("\xc3\xa4"),
          std::string(129, 'a')}) {
        const auto answer = ask(dispatcher, HttpMethod::get, "/open", {{"X-Request-ID", id}});
        const auto given = answer.headers.find("X-Request-ID");
        ASSERT_TRUE(given.has_value());
        EXPECT_THAT(std::string(*given), MatchesRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"));
    }
    EXPECT_TRUE(is_sane_request_id(std::string(128, 'a')));
}

TEST_F(DispatcherTest, TokenIsAskedForWhereItIsSet) {
    auto dispatcher = this->dispatcher("s3cret");
    const auto status = [&](const std::string& value) {
        return ask(dispatcher, HttpMethod::get, "/echo/x", {{"Authorization", value}}).status;
    };

    EXPECT_EQ(status("Bearer s3cret"), 200);
    EXPECT_EQ(status("bearer s3cret"), 200);
    EXPECT_EQ(status("BEARER s3cret"), 200);
    for (const char* wrong :
         {"",
          "Bearer",
          "Bearer ",
          "Bearer s3cre",
          "Bearer s3crets3cret",
          "Basic s3cret",
          "s3cret"}) {
        EXPECT_EQ(status(wrong), 401) << wrong;
    }
    EXPECT_EQ(ask(dispatcher, HttpMethod::get, "/echo/x").status, 401);
}

TEST_F(DispatcherTest, RefusalForTheTokenNamesTheScheme) {
    auto dispatcher = this->dispatcher("s3cret");

    const auto answer = ask(dispatcher, HttpMethod::get, "/echo/x");

    EXPECT_THAT(answer.headers.find("WWW-Authenticate"), Optional(std::string_view("Bearer")));
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"unauthorized")"));
}

TEST_F(DispatcherTest, OpenRouteAsksForNoToken) {
    auto dispatcher = this->dispatcher("s3cret");

    EXPECT_EQ(ask(dispatcher, HttpMethod::get, "/open").status, 200);
}

TEST_F(DispatcherTest, ExceptionIs500WithAnErrorIdThatTheLogExplains) {
    auto dispatcher = this->dispatcher();

    const auto answer = ask(dispatcher, HttpMethod::get, "/throw", {{"X-Request-ID", "r1"}});

    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(
        answer.body, R"({"code":"internal","details":{"error_id":"r1"},"error":"internal error"})"
    );
    EXPECT_THAT(logger_.text(), HasSubstr("handler threw request=r1"));
    EXPECT_THAT(logger_.text(), HasSubstr("the disk is on fire"));
    EXPECT_EQ(ask(dispatcher, HttpMethod::get, "/throw-int").status, 500);
}

TEST_F(DispatcherTest, InternalErrorsCauseIsLoggedUnderItsId) {
    auto dispatcher = this->dispatcher();

    const auto answer = ask(dispatcher, HttpMethod::get, "/defect", {{"X-Request-ID", "r2"}});

    EXPECT_THAT(answer.body, HasSubstr(R"("error_id":"r2")"));
    EXPECT_THAT(answer.body, Not(HasSubstr("row 9")));
    EXPECT_THAT(
        logger_.text(), HasSubstr("request=r2 endpoint=/defect status=500 trace= cause=m: row 9")
    );
}

TEST_F(DispatcherTest, ARefusalHasItsLineWithTheReason) {
    auto dispatcher = this->dispatcher();

    static_cast<void>(ask(dispatcher, HttpMethod::get, "/nowhere", {{"X-Request-ID", "r4"}}));

    EXPECT_THAT(
        logger_.text(),
        HasSubstr(
            "request refused request=r4 endpoint=unmatched status=404 trace= cause=not_found: "
            "no such path"
        )
    );
}

TEST_F(DispatcherTest, UnavailabilityHasAnErrorIdToo) {
    auto dispatcher = this->dispatcher();

    const auto answer = ask(dispatcher, HttpMethod::get, "/away", {{"X-Request-ID", "r3"}});

    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.body, R"({"code":"unavailable","details":{"error_id":"r3"},"error":"away"})");
    EXPECT_THAT(
        logger_.text(), HasSubstr("request=r3 endpoint=/away status=503 trace= cause=SELECT 1")
    );
}

TEST_F(DispatcherTest, TraceOfTheClientIsTakenOverWhereItIsOne) {
    auto dispatcher = this->dispatcher();
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const auto seen = [&](const std::vector<HttpHeaders::Field>& headers) {
        return ask(dispatcher, HttpMethod::get, "/trace", headers).body;
    };

    EXPECT_EQ(seen({{"Traceparent", trace}}), trace);
    EXPECT_EQ(seen({}), "");
    EXPECT_EQ(seen({{"traceparent", "00-" + std::string(32, '0') + trace.substr(35)}}), "");
    EXPECT_EQ(seen({{"traceparent", trace}, {"traceparent", trace}}), "");
    ask(dispatcher, HttpMethod::get, "/defect", {{"traceparent", trace}});
    EXPECT_THAT(logger_.text(), HasSubstr("trace=4bf92f3577b34da6a3ce929d0e0e4736"));
}

TEST_F(DispatcherTest, ForgottenResponderIs500) {
    auto dispatcher = this->dispatcher();

    EXPECT_EQ(ask(dispatcher, HttpMethod::get, "/forget").status, 500);
}

TEST_F(DispatcherTest, SecondAnswerDoesNothing) {
    auto dispatcher = this->dispatcher();

    EXPECT_EQ(ask(dispatcher, HttpMethod::post, "/twice").status, 201);
    EXPECT_THAT(records_.lines, ElementsAre("POST /twice 201"));
}

TEST_F(DispatcherTest, RecordTellsThePatternNotThePath) {
    auto dispatcher = this->dispatcher();

    ask(dispatcher, HttpMethod::get, "/echo/anything");

    EXPECT_THAT(records_.lines, ElementsAre("GET /echo/{word} 200"));
}

TEST_F(DispatcherTest, RecordTellsWhatTheClientGotNotWhatTheHandlerSaid) {
    auto dispatcher = this->dispatcher();
    HttpRequest request;
    request.target = "/open";

    dispatcher.dispatch(std::move(request), std::make_unique<StubbornAnswer>());

    EXPECT_THAT(records_.lines, ElementsAre("GET /open 503"));
}

TEST_F(DispatcherTest, UnknownMethodIs404Or405ByItsPath) {
    auto dispatcher = this->dispatcher();
    const auto reject = [&](std::string target) {
        HttpRequest request;
        request.method = HttpMethod::other;
        request.target = std::move(target);
        std::vector<HttpResponse> answers;
        dispatcher.reject(
            std::move(request),
            problem(Errc::invalid_argument, "method_not_allowed", "no"),
            std::make_unique<KeptAnswer>(answers)
        );
        return answers.at(0);
    };

    EXPECT_EQ(reject("/nothing").status, 404);
    EXPECT_EQ(reject("/open").status, 405);
    EXPECT_TRUE(reject("/open").headers.find("Allow").has_value());
    EXPECT_TRUE(reject("/open").headers.find("X-Request-ID").has_value());
}

TEST_F(DispatcherTest, DroppedCallIsAnswered) {
    auto dispatcher = this->dispatcher();
    HttpRequest request;
    request.target = "/open";
    std::vector<HttpResponse> answers;

    dispatcher.prepare(std::move(request), std::make_unique<KeptAnswer>(answers)).reset();

    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].status, 500);
}

}  // namespace
}  // namespace opslab
