#include "base/json.hpp"
#include "base/text.hpp"
#include "client/sse_parser.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/whole_api.hpp"
#include "http/dispatcher.hpp"

#include <nlohmann/json.hpp>

/// A client's requests one after another, parts between `%%` lines: `METHOD TARGET`, header fields,
/// an empty line, the body. `{task}` stands for the last task that an answer named. Promised: each
/// is answered; never with a 5xx, since the storage answers; every 4xx has the error form, and
/// a validation error names a field; JSON answers are JSON; streams are events with JSON in them.
namespace opslab::fuzz {
namespace {

std::string with_task(std::string_view text, const std::string& task) {
    constexpr std::string_view kPlace = "{task}";
    std::string out(text);
    int times = 0;
    for (auto at = out.find(kPlace); at != std::string::npos && ++times < 64;
         at = out.find(kPlace, at + task.size())) {
        out.replace(at, kPlace.size(), task);
    }
    return out;
}

HttpRequest request_from(std::string_view text) {
    HttpRequest request;
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto blank = std::min(line.find(' '), line.size());
    request.method_name = std::string(line.substr(0, blank));
    request.method = http_method_from(request.method_name);
    request.target = std::string(line.substr(std::min(blank + 1, line.size())));
    while (!text.empty()) {
        line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.empty()) {
            break;
        }
        const auto colon = std::min(line.find(':'), line.size());
        auto value = line.substr(std::min(colon + 1, line.size()));
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        request.headers.add(std::string(line.substr(0, colon)), std::string(value));
    }
    request.body = std::string(text);
    if (!request.body.empty() && !request.headers.find("Content-Type")) {
        request.headers.add("Content-Type", "application/json");
    }
    return request;
}

void check_error_form(const HttpResponse& response) {
    const auto body = parse_json(response.body);
    require(body && body->is_object(), "an error is a JSON object", response.body);
    require(body->size() == 3, "an error has three fields", response.body);
    require(
        body->at("error").is_string() && body->at("code").is_string(), "and words", response.body
    );
    require(body->at("details").is_object(), "and details", response.body);
    if (body->at("code") == "validation_error") {
        require(response.status == 400, "a validation error is 400", response.body);
        require(!body->at("details").at("fields").empty(), "and names a field", response.body);
    }
}

void check_stream(Answered& answered) {
    cli::SseParser parser([](const cli::SseEvent& event) {
        require(parse_json(event.data, 128).has_value(), "an event's data is JSON", event.data);
        return true;
    });
    const bool events = answered.response.content_type.starts_with("text/event-stream");
    answered.source->start({});
    for (int step = 0; step < 64; ++step) {
        const auto next = answered.source->next();
        require(next.then != StreamStep::Then::abort, "a stream is not cut while all is well");
        require(!events || parser.feed(next.bytes), "a stream is one of events", next.bytes);
        if (next.then != StreamStep::Then::more) {
            return;
        }
    }
}

/// Remembers the id of the last task that an answer names.
void note_task(const HttpResponse& response, std::string& task) {
    const auto body = parse_json(response.body, 128);
    require(
        body.has_value() || !response.content_type.starts_with("application/json"),
        "a JSON answer is JSON",
        response.body
    );
    if (!body || !body->is_object()) {
        return;
    }
    const Json* named = &*body;
    if (body->contains("tasks") && body->at("tasks").is_array() && !body->at("tasks").empty()) {
        named = &body->at("tasks").back();
    }
    if (named->contains("problem_id") && named->contains("id")) {
        task = named->at("id").get<std::string>();
    }
}

void requests_of_a_client(std::string_view input) {
    reset_api();
    std::string task = "01890000-0000-7000-8000-000000000000";
    int count = 0;
    for (const auto part : parts_of(input)) {
        if (++count > 12) {
            return;
        }
        const auto text = with_task(part, task);
        auto answered = ask_api(request_from(text));
        const auto& response = answered.response;
        require(response.status >= 200 && response.status < 500, "nothing makes it fail", text);
        const auto id = response.headers.find("X-Request-ID");
        require(id && is_sane_request_id(*id), "every answer has a sane id", text);
        require(is_utf8(response.body), "every answer is UTF-8", response.body);
        if (answered.source) {
            check_stream(answered);
        } else if (response.status >= 400) {
            check_error_form(response);
        } else if (!response.body.empty()) {
            note_task(response, task);
        }
    }
}

const Registration kApi{"api", requests_of_a_client};

}  // namespace
}  // namespace opslab::fuzz
