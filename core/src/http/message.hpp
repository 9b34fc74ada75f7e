#pragma once

#include <opslab/error.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Requests and answers as plain values. Handlers, routing and their tests know only these types;
/// the library that owns the sockets stays in its one file.
namespace opslab {

enum class HttpMethod : std::uint8_t { get, head, post, put, patch, del, options, other };

[[nodiscard]] const char* to_string(HttpMethod method);
[[nodiscard]] HttpMethod http_method_from(std::string_view name);

/// Header fields in the order in which they came. Names compare without case.
class HttpHeaders {
public:
    using Field = std::pair<std::string, std::string>;

    /// Adds a field, also where one of that name exists.
    void add(std::string name, std::string value);
    /// Replaces every field of that name by one.
    void set(std::string name, std::string value);
    /// The first value of that name. The view lives as long as the field.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    [[nodiscard]] const std::vector<Field>& all() const { return fields_; }

private:
    std::vector<Field> fields_{};
};

/// `name=value` of a query, decoded (`+` is a space).
struct QueryParam {
    std::string name{};
    std::string value{};

    bool operator==(const QueryParam&) const = default;
};

/// One request, whole. `path`, `segments` and `query` are filled by the dispatcher before a handler
/// sees it: decoded, valid UTF-8, without NUL, the prefix `/api/v1` taken off.
struct HttpRequest {
    HttpMethod method = HttpMethod::get;
    std::string method_name{"GET"};  ///< as sent
    std::string target{};            ///< as sent: raw path and query
    std::vector<std::string> segments{};
    std::vector<QueryParam> query{};  ///< in order, names may repeat
    HttpHeaders headers{};
    std::string body{};
    std::string request_id{};
    bool own_request_id = false;  ///< the client chose it
    std::string traceparent{};    ///< W3C Trace Context, parsed; empty: none, or not a sane one
    std::string remote_address{};
    bool api_prefix = false;  ///< came under `/api/v1` (for `Location`)

    /// The first query value of that name.
    [[nodiscard]] std::optional<std::string_view> query_value(std::string_view name) const;
    /// `/api/v1` or nothing: what to put before a path in an answer's `Location`.
    [[nodiscard]] std::string_view prefix() const { return api_prefix ? "/api/v1" : ""; }
};

struct HttpResponse {
    int status = 200;
    std::string body{};
    std::string content_type{"application/json"};  ///< left out where the body is empty
    HttpHeaders headers{};
    std::string cause{};  ///< of an error, for the log alone: never sent
};

/// `body` as JSON text with `status`.
[[nodiscard]] HttpResponse json_response(int status, std::string body);

// --- streams ------------------------------------------------------------------------------------

/// Wakes a stream that waits. Copies share one target. Threads: safe from any thread, also after
/// the stream has ended; cheap; many calls before the next step count as one.
class StreamWaker {
public:
    StreamWaker() = default;
    explicit StreamWaker(std::function<void()> wake) : wake_(std::move(wake)) {}

    void wake() const {
        if (wake_) {
            wake_();
        }
    }

private:
    std::function<void()> wake_{};
};

/// What a stream sends now and what comes after.
struct StreamStep {
    enum class Then : std::uint8_t {
        more,   ///< ask again once these bytes are written
        wait,   ///< ask again once woken or at `until`, whichever comes first
        end,    ///< the answer is complete
        abort,  ///< the answer cannot be completed: cut the connection, so that nobody takes
                ///< the part for the whole
    };

    std::string bytes{};  ///< at most about 64 KiB is kind to slow clients; may be empty
    Then then = Then::end;
    std::optional<SteadyTime> until{};  ///< with `wait`; a heartbeat is the source's own matter
    std::string cause{};                ///< of an `abort`, for the log alone

    [[nodiscard]] static StreamStep more(std::string bytes) {
        return {std::move(bytes), Then::more, {}, {}};
    }
    [[nodiscard]] static StreamStep wait(std::string bytes, std::optional<SteadyTime> until) {
        return {std::move(bytes), Then::wait, until, {}};
    }
    [[nodiscard]] static StreamStep end(std::string bytes = {}) {
        return {std::move(bytes), Then::end, {}, {}};
    }
    [[nodiscard]] static StreamStep abort(std::string cause = {}) {
        return {{}, Then::abort, {}, std::move(cause)};
    }
};

/// Where the bytes of a streamed answer come from. `start` comes first; then `next`, on an executor
/// thread, never two at once, and never before the former bytes were written. A client that leaves,
/// or that takes nothing for the write time limit, or the end of the server's grace ends it by
/// destroying it, on any thread, never during `next`. A wake during `next` is not lost. An
/// exception is an abort.
class StreamSource {
public:
    StreamSource() = default;
    StreamSource(const StreamSource&) = delete;
    StreamSource& operator=(const StreamSource&) = delete;
    virtual ~StreamSource() = default;

    virtual void start(StreamWaker waker) = 0;
    [[nodiscard]] virtual StreamStep next() = 0;
    /// What completes the answer where it is ended in place of a wait; never during `next`, and
    /// nothing is asked after it. Returns at once.
    [[nodiscard]] virtual std::string completion() { return {}; }
};

/// Status and headers of a streamed answer (chunked; no length).
struct StreamHead {
    int status = 200;
    std::string content_type{"text/event-stream"};
    HttpHeaders headers{};
};

// --- answering ----------------------------------------------------------------------------------

/// Told once what a request was really answered with, and whether that is a stream.
using AnswerReport = std::function<void(int status, bool streamed)>;

/// The other end of a `Responder`: exactly one of `respond` and `stream` comes, once, from any
/// thread.
class ResponseSink {
public:
    ResponseSink() = default;
    ResponseSink(const ResponseSink&) = delete;
    ResponseSink& operator=(const ResponseSink&) = delete;
    virtual ~ResponseSink() = default;

    virtual void respond(HttpResponse response) noexcept = 0;
    virtual void stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept = 0;

    /// See `Responder::when_gone`. Comes before either.
    virtual void when_gone(const std::function<void()>& /*told*/) {}

    /// Comes before either. A sink that may answer otherwise than it is told (a deadline, a limit
    /// on streams) keeps `report`, calls it with what the client gets, and says true.
    [[nodiscard]] virtual bool keep_report(const AnswerReport& report) {
        static_cast<void>(report);
        return false;
    }
};

/// The right and the duty to answer one request once, now or later, from any thread. Answering
/// twice is a defect and does nothing; going away unanswered answers 500.
class Responder {
public:
    explicit Responder(std::unique_ptr<ResponseSink> sink);
    Responder(Responder&& other) noexcept = default;
    Responder& operator=(Responder&& other) noexcept;
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;
    ~Responder();

    void respond(HttpResponse response) noexcept;
    /// Answers in the error form; `http/problem.hpp` chooses the status.
    void fail(const Error& error) noexcept;
    void stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept;

    /// `told` is called, once at most, on the thread of the I/O, where the client closes its side
    /// before it is answered: what is given to it then is lost. A cable that is cut tells nothing,
    /// and neither does a client that has sent its next request already. Ask before answering.
    void when_gone(const std::function<void()>& told);

    [[nodiscard]] bool answered() const { return sink_ == nullptr; }

private:
    void answer_unanswered() noexcept;

    std::unique_ptr<ResponseSink> sink_;
};

/// What the pattern's `{names}` stood for, decoded, in order.
class PathParams {
public:
    void add(std::string name, std::string value);
    /// The value of `name`; a name that the pattern does not have is a defect (`std::logic_error`).
    [[nodiscard]] const std::string& at(std::string_view name) const;

private:
    std::vector<std::pair<std::string, std::string>> values_{};
};

/// Answers a request, at once or by keeping the responder. The request lives until it returns.
/// Threads: called on several executor threads at once. An exception is answered with 500.
using Handler = std::function<void(const HttpRequest&, const PathParams&, Responder)>;

/// A handler that answers before it returns, as a `Handler`.
[[nodiscard]] Handler answering(
    std::function<HttpResponse(const HttpRequest&, const PathParams&)> handler
);

/// The same for one that may fail with an `Error`.
[[nodiscard]] Handler answering_result(
    std::function<Result<HttpResponse>(const HttpRequest&, const PathParams&)> handler
);

}  // namespace opslab
