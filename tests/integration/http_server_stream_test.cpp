#include "integration/http_server_fixture.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

namespace opslab::testing {
namespace {

using ::testing::Contains;

/// A source made of one function; tells when it is destroyed.
class FunctionSource final : public StreamSource {
public:
    FunctionSource(
        std::function<StreamStep()> next,
        Mailbox<int>& ended,
        Mailbox<StreamWaker>* wakers = nullptr
    )
        : next_(std::move(next)), ended_(ended), wakers_(wakers) {}
    ~FunctionSource() override { ended_.put(1); }

    void start(StreamWaker waker) override {
        if (wakers_ != nullptr) {
            wakers_->put(std::move(waker));
        }
    }
    StreamStep next() override { return next_(); }
    std::string completion() override { return "that is all"; }

private:
    std::function<StreamStep()> next_;
    Mailbox<int>& ended_;
    Mailbox<StreamWaker>* wakers_;
};

class HttpServerStream : public HttpServerTest {
protected:
    void serve(std::function<StreamStep()> next) {
        make_source_ = [this, next] {
            return std::make_unique<FunctionSource>(next, ended_, &wakers_);
        };
    }
    ~HttpServerStream() override { server_.reset(); }

    Mailbox<int> ended_;
    Mailbox<StreamWaker> wakers_;
};

TEST_F(HttpServerStream, ArrivesWholeAndLeavesTheConnectionUsable) {
    std::atomic<int> step{0};
    serve([&] {
        const int n = ++step;
        return n < 100 ? StreamStep::more(std::string(1000, 'x')) : StreamStep::end("end");
    });
    start();
    auto client = this->client();

    client.send(get("/stream"));

    EXPECT_EQ(client.read_answer().body.size(), 99'003U);
    client.send(get("/hello"));
    EXPECT_EQ(client.read_answer().status, 200);
    EXPECT_THAT(records_.lines(), Contains("GET /stream 200 streamed"));
}

TEST_F(HttpServerStream, SourceThatThrowsCutsTheAnswerSoThatNobodyTakesItForWhole) {
    // the source goes with the server, and that after this
    serve([step = std::make_shared<std::atomic<int>>(0)] {
        if (++*step == 3) {
            throw std::runtime_error("broken");
        }
        return StreamStep::more("x");
    });
    start();
    auto client = this->client();

    client.send(get("/stream"));

    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_EQ(client.read_chunk(), "x");
    EXPECT_EQ(client.read_chunk(), "x");
    EXPECT_TRUE(client.read_until_closed());
}

TEST_F(HttpServerStream, ClientThatLeavesEndsItsSource) {
    serve([] { return StreamStep::more(std::string(10'000, 'x')); });
    start();
    auto client = this->client();
    client.send(get("/stream"));
    client.read_chunk();

    client.close();

    ended_.take();
}

TEST_F(HttpServerStream, ClientThatLeavesASilentStreamIsNoticedByItsHeartbeats) {
    serve([this] {
        return StreamStep::wait(":\n\n", clock_.steady() + std::chrono::milliseconds(5));
    });
    start();
    auto client = this->client();
    client.send(get("/stream"));
    client.read_head();

    client.close();

    ended_.take();
}

TEST_F(HttpServerStream, WakeReachesEachOfTwoHundred) {
    constexpr std::size_t kStreams = 200;
    std::atomic<bool> over{false};
    serve([&] { return over ? StreamStep::end("bye") : StreamStep::wait("tick", std::nullopt); });
    start();
    std::vector<Client> clients;
    for (std::size_t i = 0; i < kStreams; ++i) {
        clients.push_back(client());
        clients.back().send(get("/stream"));
    }
    const auto wakers = wakers_.take(kStreams);
    for (auto& client : clients) {
        ASSERT_EQ(client.read_head().status, 200);
        ASSERT_EQ(client.read_chunk(), "tick");
    }
    EXPECT_EQ(server_->load().streams, kStreams);

    for (const auto& waker : wakers) {
        waker.wake();
    }

    for (auto& client : clients) {
        ASSERT_EQ(client.read_chunk(), "tick");
    }
    over = true;
    for (const auto& waker : wakers) {
        waker.wake();
        waker.wake();
    }
    for (auto& client : clients) {
        std::string last = client.read_chunk();
        while (last == "tick") {
            last = client.read_chunk();
        }
        ASSERT_EQ(last, "bye");
    }
    ended_.take(kStreams);
}

TEST_F(HttpServerStream, OneTooManyIs503AndRecordedAsThat) {
    auto settings = HttpServerTest::settings();
    settings.max_streams = 1;
    serve([] { return StreamStep::wait("x", std::nullopt); });
    start(settings);
    auto first = client();
    first.send(get("/stream"));
    ASSERT_EQ(first.read_head().status, 200);

    const auto second = ask(get("/stream"));

    EXPECT_EQ(second.status, 503);
    EXPECT_FALSE(Client::header(second.head, "X-Request-ID").empty());
    EXPECT_THAT(records_.lines(), Contains("GET /stream 503"));
}

TEST_F(HttpServerStream, StopCompletesIt) {
    serve([] { return StreamStep::wait("x", std::nullopt); });
    start();
    auto client = this->client();
    client.send(get("/stream"));
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_EQ(client.read_chunk(), "x");

    server_->stop(std::chrono::seconds(60));

    EXPECT_EQ(client.read_chunk(), "that is all");
    EXPECT_EQ(client.read_chunk(), "");
    EXPECT_TRUE(client.read_until_closed());
    ended_.take();
}

TEST_F(HttpServerStream, StopCompletesNoneThatHasMoreToGive) {
    Mailbox<int> go_on;
    std::atomic<int> step{0};
    serve([&] {
        const int n = ++step;
        if (n == 2) {
            go_on.take();
        }
        return n < 5 ? StreamStep::more(std::to_string(n)) : StreamStep::end("whole");
    });
    start();
    auto client = this->client();
    client.send(get("/stream"));
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_EQ(client.read_chunk(), "1");

    std::thread stopping([this] { server_->stop(std::chrono::seconds(60)); });
    while (this->client().connected()) {  // it takes none any more once it stops
        std::this_thread::yield();
    }
    go_on.put(1);

    for (const auto* piece : {"2", "3", "4", "whole", ""}) {
        EXPECT_EQ(client.read_chunk(), piece);
    }
    stopping.join();
}

TEST_F(HttpServerStream, OneThatOutlastsTheGraceOfAStopIsCut) {
    serve([] { return StreamStep::more("x"); });
    start();
    auto client = this->client();
    client.send(get("/stream"));
    ASSERT_EQ(client.read_head().status, 200);

    server_->stop(std::chrono::seconds(0));

    EXPECT_FALSE(client.read_rest().ends_with("0\r\n\r\n")) << "the part looks like the whole";
}

TEST_F(HttpServerStream, HeadOfAStreamHasNoBody) {
    serve([] { return StreamStep::wait("x", std::nullopt); });
    start();
    auto client = this->client();

    client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");

    const auto answer = client.read_answer(true);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(Client::header(answer.head, "Content-Length"), "");
    EXPECT_EQ(Client::header(answer.head, "Transfer-Encoding"), "chunked");
    client.send(get("/hello"));
    EXPECT_EQ(client.read_answer().body, "{\"hello\":1}");
}

TEST_F(HttpServerStream, WakeAfterTheServerIsGoneDoesNothing) {
    serve([] { return StreamStep::wait("x", std::nullopt); });
    start();
    auto client = this->client();
    client.send(get("/stream"));
    const auto wakers = wakers_.take();

    server_.reset();

    wakers[0].wake();
}

}  // namespace
}  // namespace opslab::testing
