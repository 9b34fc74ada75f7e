#include "integration/http_server_fixture.hpp"

#include <atomic>
#include <thread>

namespace opslab::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Refusal {
    const char* name;
    std::string bytes;
    int status;
    const char* code;
};

void PrintTo(const Refusal& refusal, std::ostream* out) {
    *out << refusal.name;
}

std::string post_echo(const std::string& fields, const std::string& body = {}) {
    return "POST /echo HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

class HttpServerRefusal : public HttpServerTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(HttpServerRefusal, IsAnsweredInTheErrorFormWithARequestId) {
    start();

    const auto answer = ask(GetParam().bytes);

    EXPECT_EQ(answer.status, GetParam().status);
    EXPECT_THAT(answer.body, HasSubstr(std::string("\"code\":\"") + GetParam().code + '"'));
    EXPECT_THAT(Client::header(answer.head, "X-Request-ID"), Not(std::string()));
    EXPECT_EQ(ask(get("/hello")).status, 200) << "the server serves on";
}

const std::string kStart = "GET /hello HTTP/1.1\r\nHost: a\r\n";

INSTANTIATE_TEST_SUITE_P(
    All,
    HttpServerRefusal,
    ::testing::Values(
        Refusal{"UnknownPath", "GET /no HTTP/1.1\r\nHost: a\r\n\r\n", 404, "not_found"},
        Refusal{"BadEscape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"},
        Refusal{"NoRequestLine", "hello\r\n\r\n", 400, "malformed_request"},
        Refusal{"BareLf", "GET /hello HTTP/1.1\n\n", 400, "malformed_request"},
        Refusal{"OtherMethod", post_echo("").replace(0, 4, "PUT"), 405, "method_not_allowed"},
        Refusal{"OwnMethod", "BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method_not_allowed"},
        Refusal{"LongBody", post_echo("Content-Length: 100001\r\n"), 413, "body_too_large"},
        Refusal{
            "LongSentBody",
            post_echo("Content-Length: 4000000\r\n", std::string(4'000'000, 'a')),
            413,
            "body_too_large"},
        Refusal{
            "LongChunkedBody",
            post_echo("Transfer-Encoding: chunked\r\n", "200000\r\n" + std::string(0x200000, 'a')),
            413,
            "body_too_large"},
        Refusal{
            "LongUrl",
            "GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
            414,
            "uri_too_long"},
        Refusal{
            "LongHeader",
            kStart + "X: " + std::string(1'000'000, 'a') + "\r\n\r\n",
            431,
            "headers_too_large"},
        Refusal{"OtherVersion", "GET / HTTP/3.0\r\n\r\n", 505, "http_version_not_supported"}
    ),
    [](const auto& each) { return each.param.name; }
);

TEST_F(HttpServerTest, RefusalForItsSizeCarriesTheClientsOwnId) {
    start();

    const auto answer = ask(post_echo("X-Request-ID: mine\r\nContent-Length: 100001\r\n"));

    EXPECT_EQ(Client::header(answer.head, "X-Request-ID"), "mine");
}

TEST_F(HttpServerTest, RequestThatStopsHalfwayIs408) {
    auto settings = HttpServerTest::settings();
    settings.read_timeout = std::chrono::seconds(1);
    start(settings);
    auto client = this->client();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");

    EXPECT_EQ(client.read_answer().status, 408);
    EXPECT_TRUE(client.read_until_closed());
}

TEST_F(HttpServerTest, FullExecutorIs503AtOnce) {
    auto settings = HttpServerTest::settings();
    settings.executor_threads = 1;
    settings.executor_queue = 1;
    start(settings);
    auto first = client();
    first.send(get("/hold"));
    held_.take();
    auto second = client();
    second.send(get("/hello"));
    while (server_->load().queued == 0) {
        std::this_thread::yield();
    }

    const auto third = ask(get("/hello"));

    EXPECT_EQ(third.status, 503);
    EXPECT_EQ(Client::header(third.head, "Retry-After"), "1");
    go_.put(1);
    EXPECT_EQ(first.read_answer().status, 200);
    EXPECT_EQ(second.read_answer().status, 200);
}

TEST_F(HttpServerTest, UnansweredRequestIs503AtItsDeadlineAndRecordedAsThat) {
    start();
    auto client = this->client();
    client.send(get("/park", "X-Request-ID: late\r\n"));
    const auto parked = parked_.take();

    clock_.advance(std::chrono::seconds(61));

    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(Client::header(answer.head, "X-Request-ID"), "late");
    parked[0]->respond(json_response(200, "{}"));
    client.send(get("/hello"));
    EXPECT_EQ(client.read_answer().body, "{\"hello\":1}");
    EXPECT_THAT(records_.lines(), ElementsAre("GET /park 503", "GET /hello 200"));
}

TEST_F(HttpServerTest, ClientThatClosesBeforeItsAnswerIsTold) {
    start();
    for (const bool earlier_request : {false, true}) {
        auto client = this->client();
        if (earlier_request) {
            client.send(get("/hello"));
            ASSERT_EQ(client.read_answer().status, 200);
        }
        client.send(get("/park"));
        const auto parked = parked_.take();
        parked[0]->when_gone([&] { gone_.put(1); });

        client.close();

        EXPECT_EQ(gone_.take().size(), 1U);
        parked[0]->respond(json_response(200, "{}"));
    }
}

TEST_F(HttpServerTest, ClientThatIsGoneAlreadyIsToldToo) {
    start();
    auto client = this->client();
    client.send(get("/park"));
    const auto parked = parked_.take();
    client.close();

    parked[0]->when_gone([&] { gone_.put(1); });

    EXPECT_EQ(gone_.take().size(), 1U);
}

TEST_F(HttpServerTest, ClientThatTakesItsAnswerOrSendsOnIsNotGone) {
    start();
    auto client = this->client();
    std::atomic<int> gone = 0;
    client.send(get("/park"));
    auto parked = parked_.take();
    parked[0]->when_gone([&] { ++gone; });
    client.send(get("/park"));
    parked[0]->respond(json_response(200, "{}"));
    EXPECT_EQ(client.read_answer().status, 200);
    parked = parked_.take();
    parked[0]->when_gone([&] { ++gone; });
    parked[0]->respond(json_response(200, "{}"));
    EXPECT_EQ(client.read_answer().status, 200);

    client.close();
    EXPECT_EQ(ask(get("/hello")).status, 200);
    server_.reset();

    EXPECT_EQ(gone, 0);
}

TEST_F(HttpServerTest, UpgradeIsIgnoredAndUnderTheDeadlineToo) {
    start();
    const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

    EXPECT_EQ(ask(get("/hello", upgrade)).status, 200);
    auto client = this->client();
    client.send(get("/park", upgrade));
    const auto parked = parked_.take();

    clock_.advance(std::chrono::seconds(61));

    EXPECT_EQ(client.read_answer().status, 503);
}

TEST_F(HttpServerTest, ConnectionServesManyRequestsInTurn) {
    start();
    auto client = this->client();

    for (int i = 0; i < 20; ++i) {
        client.send(post_echo("Content-Length: 2\r\n", "{}"));
        ASSERT_EQ(client.read_answer().body, "{}");
    }
    client.send(get("/hello", "Connection: close\r\n"));

    const auto last = client.read_answer();
    EXPECT_EQ(Client::header(last.head, "Connection"), "close");
    EXPECT_TRUE(client.read_until_closed());
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
    start();
    auto client = this->client();
    std::string all;
    for (int i = 0; i < 50; ++i) {
        const auto text = std::to_string(i);
        all += post_echo("Content-Length: " + std::to_string(text.size()) + "\r\n", text);
    }

    client.send(all);

    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(client.read_answer().body, std::to_string(i));
    }
}

TEST_F(HttpServerTest, RequestInSingleBytesIsReadLikeAnyOther) {
    start();
    auto client = this->client();

    for (const char c : post_echo("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n")) {
        client.send({&c, 1});
    }

    EXPECT_EQ(client.read_answer().body, "{}");
}

TEST_F(HttpServerTest, ClientThatWaitsForContinueGetsIt) {
    start();
    auto client = this->client();
    client.send(post_echo("Content-Length: 2\r\nExpect: 100-continue\r\n"));

    EXPECT_EQ(client.read_answer().status, 100);
    client.send("{}");
    EXPECT_EQ(client.read_answer().body, "{}");
}

TEST_F(HttpServerTest, ClientThatWaitsForContinueOfTooMuchIsRefusedInstead) {
    start();

    const auto answer = ask(post_echo("Content-Length: 100001\r\nExpect: 100-continue\r\n"));

    EXPECT_EQ(answer.status, 413);
}

TEST_F(HttpServerTest, HeadTellsTheLengthAndOptionsWhatIsAllowed) {
    start();
    auto client = this->client();

    client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = client.read_answer(true);
    client.send("OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto options = client.read_answer();

    EXPECT_EQ(Client::header(head.head, "Content-Length"), "11");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(Client::header(options.head, "Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(HttpServerTest, DrainLetsASlowAnswerArrive) {
    start();
    auto client = this->client();
    client.send(get("/park"));
    const auto parked = parked_.take();

    std::jthread stopping([this] { server_->stop(std::chrono::seconds(60)); });
    while (Client(server_->port()).connected()) {
        std::this_thread::yield();
    }
    parked[0]->respond(json_response(200, "{\"slow\":1}"));

    const auto answer = client.read_answer();
    EXPECT_EQ(answer.body, "{\"slow\":1}");
    EXPECT_TRUE(client.read_until_closed());
}

TEST_F(HttpServerTest, StopWithoutGraceLeavesRespondersHarmless) {
    start();
    auto client = this->client();
    client.send(get("/park"));
    const auto parked = parked_.take();

    server_->stop(std::chrono::milliseconds(0));
    server_->stop(std::chrono::milliseconds(0));
    server_.reset();
    parked[0]->respond(json_response(200, "{}"));

    EXPECT_EQ(client.read_answer().status, 0);
}

TEST_F(HttpServerTest, TakenPortFailsTheStartByName) {
    start();
    auto settings = HttpServerTest::settings();
    settings.port = server_->port();

    const auto second = HttpServer::start(settings, *dispatcher_, clock_, logger_);

    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Errc::unavailable);
    EXPECT_THAT(second.error().message, HasSubstr(server_->bound_address()));
}

TEST_F(HttpServerTest, AddressThatIsNoneFailsTheStart) {
    start();
    auto settings = HttpServerTest::settings();
    settings.address = "localhost";

    const auto second = HttpServer::start(settings, *dispatcher_, clock_, logger_);

    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, Errc::invalid_argument);
}

TEST_F(HttpServerTest, ListensOnIpv6) {
    auto settings = HttpServerTest::settings();
    settings.address = "[::1]";
    start(settings);
    Client client(server_->port(), Client::Family::v6);

    client.send(get("/hello"));

    EXPECT_EQ(client.read_answer().status, 200);
    EXPECT_THAT(server_->bound_address(), StartsWith("[::1]:"));
}

}  // namespace
}  // namespace opslab::testing
