#include "http/dispatcher.hpp"

#include "base/trace_context.hpp"
#include "http/field_name.hpp"
#include "http/problem.hpp"

#include <opslab/ids.hpp>

#include <exception>

namespace opslab {

namespace {

constexpr std::size_t kMaxRequestId = 128;

/// What every answer gets on its way out: the request's id, no body for HEAD, the observer.
class FinishingSink final : public ResponseSink {
public:
    struct Parts {
        HttpMethod method;
        std::string pattern;
        std::string request_id;
        std::string trace;
        std::string remote_address;
        SteadyTime began;
    };

    FinishingSink(
        Parts parts,
        std::unique_ptr<ResponseSink> sink,
        Clock& clock,
        Logger& logger,
        RequestObserver* observer
    )
        : parts_(std::make_shared<const Parts>(std::move(parts))),
          sink_(std::move(sink)),
          logger_(logger),
          report_([parts = parts_, &clock, observer](int status, bool streamed) {
              if (observer != nullptr) {
                  observer->done(RequestRecord{
                      .method = to_string(parts->method),
                      .pattern = parts->pattern,
                      .status = status,
                      .duration = clock.steady() - parts->began,
                      .request_id = parts->request_id,
                      .trace = parts->trace,
                      .remote_address = parts->remote_address,
                      .streamed = streamed,
                  });
              }
          }) {
        if (sink_->keep_report(report_)) {
            report_ = nullptr;
        }
    }

    void respond(HttpResponse response) noexcept override {
        response.headers.set("X-Request-ID", parts_->request_id);
        const int status = response.status;
        if (status >= 500) {
            // the request's id is the error's: what a person quotes finds this line
            add_error_id(response, parts_->request_id);
            tell(status == 503 ? LogLevel::warning : LogLevel::error, "request failed", response);
        } else if (status >= 400) {
            tell(LogLevel::info, "request refused", response);
        }
        sink_->respond(std::move(response));
        if (report_) {
            report_(status, false);
        }
    }

    void stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept override {
        head.headers.set("X-Request-ID", parts_->request_id);
        const int status = head.status;
        sink_->stream(std::move(head), std::move(source));
        if (report_) {
            report_(status, true);
        }
    }

    void when_gone(const std::function<void()>& told) override { sink_->when_gone(told); }

private:
    void tell(LogLevel level, std::string_view message, const HttpResponse& response) {
        log(logger_,
            level,
            message,
            {{"request", parts_->request_id},
             {"endpoint", parts_->pattern},
             {"status", std::to_string(response.status)},
             {"trace", parts_->trace},
             {"cause", response.cause}});
    }

    // shared with the report, which the other end may keep longer
    std::shared_ptr<const Parts> parts_;
    std::unique_ptr<ResponseSink> sink_;
    Logger& logger_;
    AnswerReport report_;  ///< null where the other end reports
};

/// Takes as long for a wrong first byte as for a wrong last one.
bool same_secret(std::string_view given, std::string_view wanted) {
    unsigned difference = given.size() == wanted.size() ? 0U : 1U;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto want = static_cast<unsigned char>(wanted[i % wanted.size()]);
        difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^ want);
    }
    return difference == 0;
}

std::string allow_value(const std::vector<HttpMethod>& methods) {
    std::string text;
    for (const auto method : methods) {
        text += text.empty() ? "" : ", ";
        text += to_string(method);
    }
    return text;
}

HttpResponse not_allowed(const std::vector<HttpMethod>& allowed) {
    auto response = problem_response(problem(
        Errc::invalid_argument, "method_not_allowed", "this path does not serve this method"
    ));
    response.headers.add("Allow", allow_value(allowed));
    return response;
}

HttpResponse options_answer(const std::vector<HttpMethod>& allowed) {
    HttpResponse response;
    response.status = 204;
    response.headers.add("Allow", allow_value(allowed));
    return response;
}

const std::vector<HttpMethod>& all_methods() {
    static const std::vector<HttpMethod> kAll{
        HttpMethod::get, HttpMethod::head, HttpMethod::post, HttpMethod::del, HttpMethod::options};
    return kAll;
}

/// One that is wrong, or two of them, count as none: tracing must not refuse work.
std::string traceparent_of(const HttpHeaders& headers) {
    std::optional<std::string_view> found;
    for (const auto& [name, value] : headers.all()) {
        if (same_field_name(name, "traceparent")) {
            if (found) {
                return {};
            }
            found = value;
        }
    }
    return found ? parse_traceparent(*found).value_or("") : "";
}

}  // namespace

bool is_sane_request_id(std::string_view id) {
    if (id.empty() || id.size() > kMaxRequestId) {
        return false;
    }
    for (const char c : id) {
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!fits) {
            return false;
        }
    }
    return true;
}

Dispatcher::Dispatcher(
    Router router,
    DispatcherSettings settings,
    Clock& clock,
    Entropy& entropy,
    Logger& logger,
    RequestObserver* observer
)
    : router_(std::move(router)),
      settings_(std::move(settings)),
      clock_(clock),
      entropy_(entropy),
      logger_(logger),
      observer_(observer) {}

Dispatcher::~Dispatcher() = default;

Dispatcher::Call::Call(
    const Route& route, HttpRequest request, PathParams params, Responder responder, Logger& logger
)
    : route_(route),
      request_(std::move(request)),
      params_(std::move(params)),
      responder_(std::move(responder)),
      logger_(logger) {}

void Dispatcher::Call::run() noexcept {
    // The handler owns the responder from here; one that throws drops it, which answers 500.
    try {
        route_.handler(request_, params_, std::move(responder_));
    } catch (const std::exception& error) {
        log(logger_,
            LogLevel::error,
            "handler threw",
            {{"request", request_.request_id},
             {"operation", route_.operation_id},
             {"what", error.what()}});
    } catch (...) {
        log(logger_,
            LogLevel::error,
            "handler threw",
            {{"request", request_.request_id}, {"operation", route_.operation_id}});
    }
}

Responder Dispatcher::wrap(
    HttpRequest& request, std::string pattern, std::unique_ptr<ResponseSink> sink
) {
    if (request.request_id.empty()) {
        const auto given = request.headers.find("X-Request-ID");
        request.own_request_id = given && is_sane_request_id(*given);
        request.request_id =
            request.own_request_id ? std::string(*given) : make_uuid(clock_.now(), entropy_);
        request.traceparent = traceparent_of(request.headers);
    }
    return Responder(std::make_unique<FinishingSink>(
        FinishingSink::Parts{
            .method = request.method,
            .pattern = pattern.empty() ? "unmatched" : std::move(pattern),
            .request_id = request.request_id,
            .trace = std::string(trace_id_of(request.traceparent)),
            .remote_address = request.remote_address,
            .began = clock_.steady(),
        },
        std::move(sink),
        clock_,
        logger_,
        observer_
    ));
}

bool Dispatcher::token_fits(const HttpRequest& request) const {
    if (settings_.bearer_token.empty()) {
        return true;
    }
    const auto value = request.headers.find("Authorization");
    if (!value || value->size() < 7) {
        return false;
    }
    constexpr std::string_view kScheme = "bearer ";
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
        const char c = (*value)[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) {
            return false;
        }
    }
    return same_secret(value->substr(7), settings_.bearer_token);
}

std::unique_ptr<Dispatcher::Call> Dispatcher::prepare(
    HttpRequest request, std::unique_ptr<ResponseSink> sink
) noexcept {
    if (request.target == "*" && request.method == HttpMethod::options) {
        wrap(request, {}, std::move(sink)).respond(options_answer(all_methods()));
        return nullptr;
    }
    auto target = parse_target(request.target);
    if (!target) {
        wrap(request, {}, std::move(sink)).fail(target.error());
        return nullptr;
    }
    request.segments = std::move(target->segments);
    request.query = std::move(target->query);
    request.api_prefix = target->api_prefix;
    auto match = router_.match(request.method, request.segments);
    auto responder = wrap(request, match.pattern, std::move(sink));
    if (const auto foreign = why_foreign(request, settings_.hosts); !foreign.empty()) {
        responder.fail(problem(Errc::permission_denied, "foreign_request", std::string(foreign)));
    } else if (match.allowed.empty()) {
        responder.fail(settings_.unmatched);
    } else if (request.method == HttpMethod::options) {
        responder.respond(options_answer(match.allowed));
    } else if (match.route == nullptr) {
        responder.respond(not_allowed(match.allowed));
    } else if (match.route->access == Access::token && !token_fits(request)) {
        responder.fail(
            problem(Errc::permission_denied, "unauthorized", "a valid bearer token is needed")
        );
    } else {
        return std::make_unique<Call>(
            *match.route, std::move(request), std::move(match.params), std::move(responder), logger_
        );
    }
    return nullptr;
}

void Dispatcher::dispatch(HttpRequest request, std::unique_ptr<ResponseSink> sink) noexcept {
    if (const auto call = prepare(std::move(request), std::move(sink))) {
        call->run();
    }
}

void Dispatcher::reject(
    HttpRequest request, const Error& error, std::unique_ptr<ResponseSink> sink
) noexcept {
    auto response = problem_response(error);
    std::string pattern;
    if (error.reason == "method_not_allowed") {
        // a method that the parser does not know: the path still decides between 404 and 405
        const auto target = parse_target(request.target);
        const auto match =
            target ? router_.match(HttpMethod::other, target->segments) : RouteMatch{};
        pattern = match.pattern;
        if (target && match.allowed.empty()) {
            response = problem_response(settings_.unmatched);
        } else {
            response.headers.set(
                "Allow", allow_value(match.allowed.empty() ? all_methods() : match.allowed)
            );
        }
    }
    wrap(request, std::move(pattern), std::move(sink)).respond(std::move(response));
}

}  // namespace opslab
