#pragma once

#include "http/browser_guard.hpp"
#include "http/message.hpp"
#include "http/router.hpp"

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace opslab {

/// One answered request, for the access log and the metrics.
struct RequestRecord {
    std::string_view method{};   ///< one of the known methods or `OTHER`
    std::string_view pattern{};  ///< of the route, or `unmatched`: bounded
    int status = 0;
    Duration duration{};  ///< until the answer was handed over; of a stream, until its head was
    std::string_view request_id{};
    std::string_view trace{};  ///< the id of the client's trace; empty: none
    std::string_view remote_address{};
    bool streamed = false;
};

/// Told of every answer. Threads: called from any thread; must not block or throw.
class RequestObserver {
public:
    RequestObserver() = default;
    RequestObserver(const RequestObserver&) = delete;
    RequestObserver& operator=(const RequestObserver&) = delete;
    virtual ~RequestObserver() = default;

    virtual void done(const RequestRecord& record) noexcept = 0;
};

struct DispatcherSettings {
    /// Asked for as `Authorization: Bearer …` on every route that is not open; empty: not at all.
    std::string bearer_token{};
    HostRule hosts = HostRule::any;
    /// What a path without a route is answered with.
    Error unmatched{.code = Errc::not_found, .message = "no such path"};
};

/// Everything between a socket and a handler: request id, target, token, route, the error form for
/// whatever goes wrong, HEAD, OPTIONS, the observer. Knows no socket.
/// Threads: all calls from any thread. The references outlive it and every call made from it.
class Dispatcher {
public:
    Dispatcher(
        Router router,
        DispatcherSettings settings,
        Clock& clock,
        Entropy& entropy,
        Logger& logger,
        RequestObserver* observer = nullptr
    );
    ~Dispatcher();
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    /// A routed request that waits for its handler. Dropping it unrun answers 500.
    class Call {
    public:
        Call(
            const Route& route,
            HttpRequest request,
            PathParams params,
            Responder responder,
            Logger& logger
        );

        [[nodiscard]] Placement placement() const { return route_.placement; }
        /// Runs the handler; whatever it throws is answered with 500. Once.
        void run() noexcept;
        /// Answers `error` instead of running.
        void refuse(const Error& error) noexcept { responder_.fail(error); }
        [[nodiscard]] const std::string& request_id() const { return request_.request_id; }

    private:
        const Route& route_;
        HttpRequest request_;
        PathParams params_;
        Responder responder_;
        Logger& logger_;
    };

    /// Routes a request whose method, target, headers, body and remote address are filled in.
    /// Null: it has been answered already (400, 401, 403, 404, 405, OPTIONS).
    [[nodiscard]] std::unique_ptr<Call> prepare(
        HttpRequest request, std::unique_ptr<ResponseSink> sink
    ) noexcept;

    /// `prepare` and `run` on this thread.
    void dispatch(HttpRequest request, std::unique_ptr<ResponseSink> sink) noexcept;

    /// Answers a request that never became one (too long, malformed) with `error`; `request` holds
    /// what is known of it.
    void reject(
        HttpRequest request, const Error& error, std::unique_ptr<ResponseSink> sink
    ) noexcept;

    [[nodiscard]] const Router& router() const { return router_; }

private:
    [[nodiscard]] Responder wrap(
        HttpRequest& request, std::string pattern, std::unique_ptr<ResponseSink> sink
    );
    [[nodiscard]] bool token_fits(const HttpRequest& request) const;

    Router router_;
    DispatcherSettings settings_;
    Clock& clock_;
    Entropy& entropy_;
    Logger& logger_;
    RequestObserver* observer_;
};

/// Whether a client's own request id is taken over: 1 to 128 of `[A-Za-z0-9._-]`.
[[nodiscard]] bool is_sane_request_id(std::string_view id);

}  // namespace opslab
