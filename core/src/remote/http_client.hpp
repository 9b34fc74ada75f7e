#pragma once

#include <opslab/error.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace opslab {

/// Numbers the calls of one client (a run of a command, a worker), so that each can be found in the
/// coordinator's log: `PREFIX-1`, `PREFIX-2` … Threads: any.
struct CallNumbers {
    std::string prefix{};  ///< letters, digits, `.`, `_` and `-`
    std::atomic<std::uint64_t> last{0};
};

/// Where the coordinator is and how to speak to it.
struct Endpoint {
    std::string url{};    ///< `http://host:port` with an optional path before the API's own
    std::string token{};  ///< sent as a bearer token where not empty; never shown
    std::chrono::seconds timeout{30};
    std::vector<std::pair<std::string, std::string>> headers{};  ///< of every call
    /// Shared by all clients made from this; null: calls carry no X-Request-ID.
    std::shared_ptr<CallNumbers> numbers{};
};

struct HttpCall {
    std::string method = "GET";
    std::string path{};  ///< begins with `/`, already encoded, with its query
    std::string body{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::chrono::milliseconds timeout{0};  ///< 0: the endpoint's
    /// On a kept connection that breaks, curl sends a call again by itself; on a new one it does
    /// not.
    bool new_connection = false;
    int interrupt_fd = -1;  ///< readable: the call ends now; -1: never
};

struct HttpReply {
    long status = 0;
    std::string body{};
    std::string request_id{};  ///< the X-Request-ID that the call carried; empty: none
};

/// What a stream does with what arrives.
struct StreamSink {
    /// A piece of the body of a 200 answer. False ends the stream.
    std::function<bool(std::string_view)> data{};
    /// About once a second, also while nothing arrives. False ends the stream.
    std::function<bool()> tick{};
};

/// Percent-encodes everything but unreserved characters.
[[nodiscard]] std::string url_encode(std::string_view text);

/// `?a=1&b=2` of the pairs whose value is not empty; empty where there are none.
[[nodiscard]] std::string query_string(const std::vector<std::pair<std::string, std::string>>& pairs
);

/// An HTTP/1.1 client for one coordinator over one kept connection. Not for use by two threads at
/// once. Redirects are not followed; only http and https are spoken; an answer is at most 256 MiB.
class HttpClient {
public:
    /// `invalid_argument` where the URL is not one of a coordinator.
    [[nodiscard]] static Result<HttpClient> open(Endpoint endpoint);

    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient();

    /// Any status is a reply. `unavailable` where no whole answer came or the call was interrupted,
    /// `timeout` where it took longer than its time.
    [[nodiscard]] Result<HttpReply> send(const HttpCall& call);

    /// Reads an endless answer. A status other than 200 comes back with its body; of a 200 the body
    /// goes to the sink. Returns when the server or the sink ends it; `unavailable` where the
    /// connection broke or was silent for 45 s (the server sends a comment every 15 s).
    [[nodiscard]] Result<HttpReply> stream(const HttpCall& call, const StreamSink& sink);

    [[nodiscard]] const std::string& url() const;

private:
    struct State;
    explicit HttpClient(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace opslab
