#include "http/exchange.hpp"

#include "http/problem.hpp"

#include <utility>

namespace opslab {

namespace {

class ExchangeSink final : public ResponseSink {
public:
    explicit ExchangeSink(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

    void respond(HttpResponse response) noexcept override {
        if (exchange_->claim()) {
            exchange_->answer(std::move(response));
        }
    }

    void stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept override {
        if (exchange_->claim()) {
            exchange_->answer_stream(std::move(head), std::move(source));
        }
    }

    void when_gone(const std::function<void()>& told) override { exchange_->when_gone(told); }

    [[nodiscard]] bool keep_report(const AnswerReport& report) override {
        exchange_->set_report(report);
        return true;
    }

private:
    // shared with the server, which lists what is under way; whoever is last lets go
    std::shared_ptr<Exchange> exchange_;
};

/// A 503 that passes the dispatcher by.
HttpResponse unavailable(Errc code, const char* message, const std::string& request_id) {
    auto response = problem_response(Error{.code = code, .message = message});
    response.headers.set("X-Request-ID", request_id);
    add_error_id(response, request_id);
    return response;
}

}  // namespace

Exchange::Exchange(
    std::shared_ptr<ExchangeHost> host, Origin origin, std::unique_ptr<ClientLine> line
)
    : host_(std::move(host)), origin_(origin), line_(std::move(line)) {}

std::unique_ptr<ResponseSink> Exchange::sink() {
    return std::make_unique<ExchangeSink>(shared_from_this());
}

void Exchange::when_gone(std::function<void()> told) {
    run_on_io([self = shared_from_this(), told = std::move(told)]() mutable {
        if (self->line_) {
            self->line_->when_gone(std::move(told));
        }
    });
}

void Exchange::answer(HttpResponse response) noexcept {
    auto kept = std::make_shared<HttpResponse>(std::move(response));
    run_on_io([self = shared_from_this(), kept] { self->write_response(*kept); });
}

void Exchange::answer_stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept {
    auto kept = std::make_shared<std::pair<StreamHead, std::unique_ptr<StreamSource>>>(
        std::move(head), std::move(source)
    );
    run_on_io([self = shared_from_this(), kept] {
        self->begin_stream(kept->first, std::move(kept->second));
    });
}

bool Exchange::expire() {
    if (!claim()) {
        return false;
    }
    write_response(unavailable(Errc::timeout, "the request was not answered in time", request_id_));
    return true;
}

void Exchange::drain() {
    if (pump_) {
        const auto pump = pump_;
        pump->stop();
    }
}

void Exchange::abandon() {
    if (const auto pump = std::exchange(pump_, nullptr)) {
        pump->abandon();
    }
    line_.reset();
}

wire::Connection Exchange::connection() const {
    return origin_.keep_alive && !host_->draining() ? wire::Connection::keep_alive
                                                    : wire::Connection::close;
}

void Exchange::report(int status, bool streamed) {
    if (report_) {
        std::exchange(report_, nullptr)(status, streamed);
    }
}

void Exchange::write_response(const HttpResponse& response) {
    report(response.status, false);
    if (line_) {
        write_whole(wire::response(response, origin_.method, connection()));
    }
}

void Exchange::write_whole(std::string bytes) {
    line_->write(
        std::move(bytes),
        ClientLine::Part::last,
        connection(),
        [self = shared_from_this()](bool) { self->release(); }
    );
}

void Exchange::begin_stream(const StreamHead& head, std::unique_ptr<StreamSource> source) {
    if (!line_) {
        return;
    }
    if (origin_.method == HttpMethod::head) {
        source.reset();
        report(head.status, false);
        write_whole(wire::stream_head(head, connection()));
        return;
    }
    if (!host_->admit_stream()) {
        write_response(unavailable(Errc::exhausted, "too many streams are open", request_id_));
        return;
    }
    report(head.status, true);
    stream_connection_ = connection();
    pump_ = std::make_shared<StreamPump>(shared_from_this(), std::move(source), host_->executor());
    pump_->start(wire::stream_head(head, stream_connection_));
    if (host_->draining()) {
        drain();
    }
}

void Exchange::send(std::string bytes, Part part, std::function<void(bool)> written) {
    if (!line_) {
        written(false);
        return;
    }
    const bool last = part != Part::more;
    line_->write(
        std::move(bytes),
        last ? ClientLine::Part::last : ClientLine::Part::more,
        last && (part == Part::cut || host_->draining()) ? wire::Connection::close
                                                         : stream_connection_,
        std::move(written)
    );
}

void Exchange::wake_at(SteadyTime at, std::function<void()> due) {
    if (line_) {
        line_->wake_at(at, std::move(due));
    }
}

void Exchange::cancel_wake() {
    if (line_) {
        line_->cancel_wake();
    }
}

bool Exchange::run_on_io(std::function<void()> job) {
    return host_->run_on_io(std::move(job));
}

void Exchange::failed(const std::string& cause) {
    host_->stream_failed(request_id_, cause);
}

void Exchange::over() {
    pump_.reset();
    host_->release_stream();
    release();
}

void Exchange::release() {
    line_.reset();
    host_->release(shared_from_this());
}

}  // namespace opslab
