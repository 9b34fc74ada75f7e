#include "fuzz/fuzz.hpp"
#include "http/dispatcher.hpp"
#include "http/inbound_guard.hpp"
#include "http/problem.hpp"
#include "http/wire.hpp"

#include <opslab/ids.hpp>
#include <opslab/testing/fakes.hpp>

#include <http_parser.h>

#include <algorithm>

/// Bytes of a client, as they pass the guard, the server's parser and the dispatcher. Promised: the
/// verdict does not depend on how the bytes are cut; the server's parser takes all that the guard
/// let pass and sees the same messages (nothing is smuggled); each message gets one answer, which
/// is one well-formed HTTP message.
namespace opslab::fuzz {
namespace {

constexpr InboundLimits kInboundLimits{
    .max_body = 4096, .max_url = 256, .max_headers = 2048, .max_header_fields = 32};

/// Reads as RESTinio's connection does.
class ServerParser {
public:
    ServerParser() {
        http_parser_settings_init(&settings_);
        settings_.on_url = [](http_parser* parser, const char* at, std::size_t size) {
            self(parser).request.target.append(at, size);
            return 0;
        };
        settings_.on_header_field = [](http_parser* parser, const char* at, std::size_t size) {
            self(parser).field(std::string(at, size));
            return 0;
        };
        settings_.on_header_value = [](http_parser* parser, const char* at, std::size_t size) {
            auto& me = self(parser);
            me.in_value_ = true;
            me.value_.append(at, size);
            return 0;
        };
        settings_.on_headers_complete = [](http_parser* parser) {
            self(parser).end_field();
            return 0;
        };
        settings_.on_body = [](http_parser* parser, const char* at, std::size_t size) {
            self(parser).request.body.append(at, size);
            return 0;
        };
        settings_.on_message_complete = [](http_parser* parser) {
            self(parser).complete = true;
            http_parser_pause(parser, 1);
            return 0;
        };
        begin();
    }
    ServerParser(const ServerParser&) = delete;
    ServerParser& operator=(const ServerParser&) = delete;

    void begin() {
        http_parser_init(&parser_, HTTP_REQUEST);
        parser_.data = this;
        request = HttpRequest{};
        name_.clear();
        value_.clear();
        in_value_ = false;
        complete = false;
    }

    void feed(std::string_view bytes) {
        const auto parsed = http_parser_execute(&parser_, &settings_, bytes.data(), bytes.size());
        const auto failure = HTTP_PARSER_ERRNO(&parser_);
        require(
            failure == HPE_OK || failure == HPE_PAUSED,
            "the server's parser takes what the guard let pass",
            http_errno_description(failure)
        );
        require(parsed >= bytes.size(), "no byte of the next message comes with this one", bytes);
        require(parser_.upgrade == 0, "no request is an upgrade", bytes);
        request.method_name = http_method_str(static_cast<http_method>(parser_.method));
        request.method = http_method_from(request.method_name);
    }

    HttpRequest request{};
    bool complete = false;

private:
    static ServerParser& self(http_parser* parser) {
        return *static_cast<ServerParser*>(parser->data);
    }
    void field(const std::string& piece) {
        if (in_value_) {
            end_field();
        }
        name_ += piece;
    }
    void end_field() {
        if (!name_.empty()) {
            request.headers.add(std::exchange(name_, {}), std::exchange(value_, {}));
        }
        in_value_ = false;
    }

    http_parser parser_{};
    http_parser_settings settings_{};
    std::string name_{};
    std::string value_{};
    bool in_value_ = false;
};

struct InboundReading {
    std::vector<HttpRequest> messages{};
    std::size_t accepted = 0;
    int status = 0;
};

InboundReading read_inbound(const std::vector<std::string_view>& pieces) {
    InboundGuard guard(kInboundLimits);
    ServerParser server;
    InboundReading reading;
    for (const auto piece : pieces) {
        std::string rest(piece);
        while (!rest.empty()) {
            // a buffer of its own, of just this size: nothing may be touched around it
            std::vector<char> buffer(rest.begin(), rest.end());
            auto verdict = guard.inspect(buffer.data(), buffer.size());
            if (verdict.fault) {
                reading.status = http_status_of(verdict.fault->error);
                require(reading.status >= 400, "a fault has an error's status");
                return reading;
            }
            require(verdict.accepted > 0, "the guard takes bytes or finds a fault", rest);
            server.feed({buffer.data(), verdict.accepted});
            require(server.complete == !guard.in_message(), "both see the same end", rest);
            reading.accepted += verdict.accepted;
            rest.erase(0, verdict.accepted);
            if (server.complete) {
                reading.messages.push_back(std::move(server.request));
                server.begin();
            }
        }
    }
    return reading;
}

class OneAnswer final : public ResponseSink {
public:
    OneAnswer(std::vector<HttpResponse>& answers) : answers_(answers) {}
    void respond(HttpResponse response) noexcept override {
        answers_.push_back(std::move(response));
    }
    void stream(StreamHead, std::unique_ptr<StreamSource>) noexcept override {
        require(false, "no route here streams");
    }

private:
    std::vector<HttpResponse>& answers_;
};

/// Reads an answer as a client does. HEAD has no body whatever its length says.
void check_wire(const std::string& bytes, bool head) {
    struct Seen {
        bool complete = false;
        bool head = false;
    } seen{false, head};
    http_parser parser;
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = &seen;
    settings.on_headers_complete = [](http_parser* at) {
        return static_cast<Seen*>(at->data)->head ? 1 : 0;
    };
    settings.on_message_complete = [](http_parser* at) {
        static_cast<Seen*>(at->data)->complete = true;
        http_parser_pause(at, 1);
        return 0;
    };
    const auto parsed = http_parser_execute(&parser, &settings, bytes.data(), bytes.size());
    require(seen.complete, "an answer is a whole HTTP message", bytes);
    require(parsed + 1 >= bytes.size(), "nothing follows an answer", bytes);
}

Dispatcher& inbound_dispatcher() {
    static testing::FakeClock clock;
    static testing::FakeEntropy entropy;
    class Silent final : public Logger {
    public:
        void log(LogLevel, std::string_view, std::span<const LogField>) noexcept override {}
    };
    static Silent logger;
    static Dispatcher dispatcher = [] {
        const Handler echo = answering([](const HttpRequest& request, const PathParams&) {
            auto response = json_response(200, request.body);
            response.headers.add("Location", request.target);
            return response;
        });
        Router router;
        router.add({HttpMethod::get, "/tasks", "list", echo});
        router.add({HttpMethod::post, "/tasks", "submit", echo});
        router.add({HttpMethod::get, "/tasks/{id}", "get", echo});
        return Dispatcher(std::move(router), {}, clock, entropy, logger);
    }();
    return dispatcher;
}

void answer_inbound(HttpRequest request) {
    const auto given = request.headers.find("X-Request-ID");
    const std::string wanted =
        given && is_sane_request_id(*given) ? std::string(*given) : std::string();
    const auto method = request.method;
    std::vector<HttpResponse> answers;
    inbound_dispatcher().dispatch(std::move(request), std::make_unique<OneAnswer>(answers));
    require(answers.size() == 1, "each request gets one answer");
    const auto id = answers[0].headers.find("X-Request-ID");
    require(id && is_sane_request_id(*id), "each answer has a sane id");
    require(wanted.empty() || *id == wanted, "a client's sane id is kept", *id);
    require(answers[0].status < 500, "no bytes make the server fail");
    check_wire(
        wire::response(answers[0], method, wire::Connection::keep_alive), method == HttpMethod::head
    );
}

void inbound(std::string_view input) {
    auto whole = read_inbound({input});
    for (const auto& cut : {pieces_of(input), bytes_of(input)}) {
        const auto other = read_inbound(cut);
        require(other.messages.size() == whole.messages.size(), "cuts change no count", input);
        require((other.status == 0) == (whole.status == 0), "cuts change no verdict", input);
        for (std::size_t i = 0; i < whole.messages.size(); ++i) {
            require(other.messages[i].target == whole.messages[i].target, "nor a target", input);
            require(other.messages[i].body == whole.messages[i].body, "nor a body", input);
        }
    }
    for (auto& request : whole.messages) {
        answer_inbound(std::move(request));
    }
}

const Registration kInbound{"inbound", inbound};

}  // namespace
}  // namespace opslab::fuzz
