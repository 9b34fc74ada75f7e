#pragma once

#include "http/server.hpp"
#include "support/raw_http_client.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace opslab::testing {

/// Something that handlers leave and tests wait for.
template <class T>
class Mailbox {
public:
    void put(T thing) {
        {
            const std::lock_guard lock(mutex_);
            things_.push_back(std::move(thing));
        }
        changed_.notify_all();
    }

    /// Waits until there are `count` and takes all.
    std::vector<T> take(std::size_t count = 1) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return things_.size() >= count; });
        return std::exchange(things_, {});
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<T> things_{};
};

class KeptRecords final : public RequestObserver {
public:
    void done(const RequestRecord& record) noexcept override {
        const std::lock_guard lock(mutex_);
        lines_.push_back(
            std::string(record.method) + " " + std::string(record.pattern) + " " +
            std::to_string(record.status) + (record.streamed ? " streamed" : "")
        );
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_{};
};

/// A real server on a free port of loopback with a handful of handlers. Its clock stands still, so
/// nothing is overdue before a test says so.
class HttpServerTest : public ::testing::Test {
protected:
    using Client = RawHttpClient;

    static ServerSettings settings() {
        ServerSettings settings;
        settings.port = 0;
        settings.max_body = 100'000;
        settings.executor_threads = 2;
        return settings;
    }

    void start(ServerSettings settings = HttpServerTest::settings()) {
        dispatcher_ = std::make_unique<Dispatcher>(
            router(), DispatcherSettings{}, clock_, entropy_, logger_, &records_
        );
        auto server = HttpServer::start(std::move(settings), *dispatcher_, clock_, logger_);
        ASSERT_TRUE(server.has_value()) << server.error().message;
        server_ = std::move(*server);
    }

    [[nodiscard]] Client client() const { return Client(server_->port()); }

    static std::string get(const std::string& target, const std::string& fields = {}) {
        return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    }

    /// Sends `bytes` on a connection of its own and reads one answer.
    [[nodiscard]] Client::Answer ask(const std::string& bytes) const {
        auto client = this->client();
        client.send(bytes);
        return client.read_answer();
    }

    Router router() {
        Router router;
        const auto add = [&router](HttpMethod method, std::string pattern, Handler handler) {
            Route route;
            route.method = method;
            route.operation_id = pattern;
            route.pattern = std::move(pattern);
            route.handler = std::move(handler);
            router.add(std::move(route));
        };
        add(HttpMethod::get, "/hello", answering([](const auto&, const auto&) {
                return json_response(200, "{\"hello\":1}");
            }));
        add(HttpMethod::post, "/echo", answering([](const auto& request, const auto&) {
                return json_response(200, request.body);
            }));
        // keeps its answer for the test to give
        add(HttpMethod::get, "/park", [this](const auto&, const auto&, Responder responder) {
            parked_.put(std::make_shared<Responder>(std::move(responder)));
        });
        // keeps its thread, too
        add(HttpMethod::get, "/hold", [this](const auto&, const auto&, Responder responder) {
            held_.put(1);
            go_.take();
            responder.respond(json_response(200, "{}"));
        });
        add(HttpMethod::get, "/stream", [this](const auto&, const auto&, Responder responder) {
            responder.stream(StreamHead{}, make_source_());
        });
        return router;
    }

    FakeClock clock_;
    FakeEntropy entropy_;
    CapturingLogger logger_;
    KeptRecords records_;
    Mailbox<std::shared_ptr<Responder>> parked_;
    Mailbox<int> held_;
    Mailbox<int> gone_;
    Mailbox<int> go_;
    std::function<std::unique_ptr<StreamSource>()> make_source_{};
    std::unique_ptr<Dispatcher> dispatcher_{};
    std::unique_ptr<HttpServer> server_{};
};

}  // namespace opslab::testing
