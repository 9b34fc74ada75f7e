#include "http/message.hpp"

#include "http/field_name.hpp"
#include "http/problem.hpp"

#include <algorithm>
#include <stdexcept>

namespace opslab {

const char* to_string(HttpMethod method) {
    switch (method) {
        case HttpMethod::get:
            return "GET";
        case HttpMethod::head:
            return "HEAD";
        case HttpMethod::post:
            return "POST";
        case HttpMethod::put:
            return "PUT";
        case HttpMethod::patch:
            return "PATCH";
        case HttpMethod::del:
            return "DELETE";
        case HttpMethod::options:
            return "OPTIONS";
        case HttpMethod::other:
            return "OTHER";
    }
    return "OTHER";
}

HttpMethod http_method_from(std::string_view name) {
    for (const auto method :
         {HttpMethod::get,
          HttpMethod::head,
          HttpMethod::post,
          HttpMethod::put,
          HttpMethod::patch,
          HttpMethod::del,
          HttpMethod::options}) {
        if (name == to_string(method)) {
            return method;
        }
    }
    return HttpMethod::other;
}

void HttpHeaders::add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
}

void HttpHeaders::set(std::string name, std::string value) {
    std::erase_if(fields_, [&](const Field& field) { return same_field_name(field.first, name); });
    add(std::move(name), std::move(value));
}

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
        if (same_field_name(field, name)) {
            return value;
        }
    }
    return std::nullopt;
}

std::optional<std::string_view> HttpRequest::query_value(std::string_view name) const {
    for (const auto& param : query) {
        if (param.name == name) {
            return param.value;
        }
    }
    return std::nullopt;
}

HttpResponse json_response(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

Responder::Responder(std::unique_ptr<ResponseSink> sink) : sink_(std::move(sink)) {}

Responder& Responder::operator=(Responder&& other) noexcept {
    if (this != &other) {
        answer_unanswered();
        sink_ = std::move(other.sink_);
    }
    return *this;
}

Responder::~Responder() {
    answer_unanswered();
}

void Responder::answer_unanswered() noexcept {
    if (sink_) {
        fail(Error{.code = Errc::internal, .message = "the request was dropped unanswered"});
    }
}

void Responder::respond(HttpResponse response) noexcept {
    if (const auto sink = std::move(sink_)) {
        sink->respond(std::move(response));
    }
}

void Responder::fail(const Error& error) noexcept {
    respond(problem_response(error));
}

void Responder::stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept {
    if (const auto sink = std::move(sink_)) {
        sink->stream(std::move(head), std::move(source));
    }
}

void Responder::when_gone(const std::function<void()>& told) {
    if (sink_) {
        sink_->when_gone(told);
    }
}

void PathParams::add(std::string name, std::string value) {
    values_.emplace_back(std::move(name), std::move(value));
}

const std::string& PathParams::at(std::string_view name) const {
    for (const auto& [param, value] : values_) {
        if (param == name) {
            return value;
        }
    }
    throw std::logic_error("no path parameter \"" + std::string(name) + "\"");
}

Handler answering(std::function<HttpResponse(const HttpRequest&, const PathParams&)> handler) {
    return [handler = std::move(handler)](
               const HttpRequest& request, const PathParams& params, Responder responder
           ) { responder.respond(handler(request, params)); };
}

Handler answering_result(
    std::function<Result<HttpResponse>(const HttpRequest&, const PathParams&)> handler
) {
    return [handler = std::move(handler
            )](const HttpRequest& request, const PathParams& params, Responder responder) {
        auto answer = handler(request, params);
        if (answer) {
            responder.respond(std::move(*answer));
        } else {
            responder.fail(answer.error());
        }
    };
}

}  // namespace opslab
