#pragma once

#include "http/message.hpp"
#include "http/stream_pump.hpp"
#include "http/wire.hpp"

#include <opslab/time.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace opslab {

/// One request's way back to its client: the library's connection behind a plain face.
/// I/O thread only, destruction too: the library's connections know one thread.
class ClientLine {
public:
    ClientLine() = default;
    ClientLine(const ClientLine&) = delete;
    ClientLine& operator=(const ClientLine&) = delete;
    virtual ~ClientLine() = default;

    enum class Part { more, last };

    /// `written` is called exactly once, on the I/O thread, maybe before this returns.
    virtual void write(
        std::string bytes, Part part, wire::Connection connection, std::function<void(bool)> written
    ) = 0;
    virtual void wake_at(SteadyTime at, std::function<void()> due) = 0;
    virtual void cancel_wake() = 0;
    /// `told` is called where the client closes its side, while this lives.
    virtual void when_gone(std::function<void()> told) = 0;
};

class Exchange;

/// What an exchange needs of the server.
class ExchangeHost {
public:
    ExchangeHost() = default;
    ExchangeHost(const ExchangeHost&) = delete;
    ExchangeHost& operator=(const ExchangeHost&) = delete;
    virtual ~ExchangeHost() = default;

    /// Runs `job` on the I/O thread: at once if this is it. Any thread; false once stopped.
    virtual bool run_on_io(std::function<void()> job) = 0;
    /// I/O thread.
    [[nodiscard]] virtual bool draining() const = 0;
    /// I/O thread. False where there are as many streams as there may be.
    [[nodiscard]] virtual bool admit_stream() = 0;
    virtual void release_stream() = 0;
    /// A stream was cut, because its source failed with `cause`. Any thread.
    virtual void stream_failed(const std::string& request_id, const std::string& cause) = 0;
    virtual void release(const std::shared_ptr<Exchange>& exchange) = 0;
    [[nodiscard]] virtual BoundedExecutor& executor() = 0;
};

/// One request under way, from its last byte to its answer's. Answered once: by its handler, by the
/// deadline, or by the stop. Outlives the server where a handler keeps its responder too long, and
/// then does nothing.
class Exchange : public StreamLine, public std::enable_shared_from_this<Exchange> {
public:
    struct Origin {
        HttpMethod method = HttpMethod::get;
        bool keep_alive = true;
    };

    Exchange(std::shared_ptr<ExchangeHost> host, Origin origin, std::unique_ptr<ClientLine> line);

    /// The sink that the dispatcher answers through.
    [[nodiscard]] std::unique_ptr<ResponseSink> sink();

    /// Set before the handler runs, for answers that pass the dispatcher by.
    void set_request_id(std::string id) { request_id_ = std::move(id); }

    /// Set before any answer: whom to tell what the client gets.
    void set_report(AnswerReport report) { report_ = std::move(report); }

    /// Any thread.
    void when_gone(std::function<void()> told);

    /// Claims the answer: true for the first caller only. Any thread.
    [[nodiscard]] bool claim() { return !claimed_.exchange(true); }
    /// What the holder of the claim calls, once. Any thread.
    void answer(HttpResponse response) noexcept;
    void answer_stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept;

    /// Answers 503 if nobody has; true if so. I/O thread.
    bool expire();
    /// Ends a stream in good order. I/O thread.
    void drain();
    /// Lets go of the connection. I/O thread.
    void abandon();

    void send(std::string bytes, Part part, std::function<void(bool)> written) override;
    void wake_at(SteadyTime at, std::function<void()> due) override;
    void cancel_wake() override;
    bool run_on_io(std::function<void()> job) override;
    void failed(const std::string& cause) override;
    void over() override;

private:
    void write_response(const HttpResponse& response);
    void write_whole(std::string bytes);
    void begin_stream(const StreamHead& head, std::unique_ptr<StreamSource> source);
    [[nodiscard]] wire::Connection connection() const;
    void release();
    void report(int status, bool streamed);

    std::shared_ptr<ExchangeHost> host_;
    Origin origin_;
    std::unique_ptr<ClientLine> line_;
    std::shared_ptr<StreamPump> pump_{};
    wire::Connection stream_connection_ = wire::Connection::keep_alive;
    std::string request_id_{};
    AnswerReport report_{};
    std::atomic<bool> claimed_{false};
};

}  // namespace opslab
