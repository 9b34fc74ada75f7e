#include "session.hpp"

#include "base/json.hpp"
#include "base/system_clock.hpp"
#include "base/trace_context.hpp"
#include "output/escape.hpp"
#include "remote/token_file.hpp"

#include <opslab/ids.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace opslab::cli {
namespace {

constexpr std::size_t kShownBytesOfAStranger = 300;

}  // namespace

Answer::Answer(std::string text_as_sent, nlohmann::json&& parsed)
    : text(std::move(text_as_sent)),
      document(std::make_unique<nlohmann::json>(std::move(parsed))) {}
Answer::Answer(Answer&&) noexcept = default;
Answer& Answer::operator=(Answer&&) noexcept = default;
Answer::~Answer() = default;

Session::Session(HttpClient client, bool json, Terminal terminal)
    : client_(std::move(client)), json_(json), terminal_(terminal) {}

Outcome<Answer> Session::fetch(const HttpCall& call) {
    auto reply = client_.send(call);
    if (!reply) {
        return tl::unexpected(explain(reply.error()));
    }
    if (reply->status < 200 || reply->status > 299) {
        return tl::unexpected(explain(*reply));
    }
    auto document = parse_json(reply->body, kMaxAnswerDepth);
    if (!document) {
        terminal_.complain("opslab: " + client_.url() + " answered something that is not JSON");
        return tl::unexpected(ExitCode::refused);
    }
    return Answer{std::move(reply->body), std::move(*document)};
}

ExitCode Session::explain(const HttpReply& reply) {
    const auto document = parse_json(reply.body, kMaxAnswerDepth);
    const auto code = reply.status >= 500 ? ExitCode::unreachable : ExitCode::refused;
    if (!document || !document->is_object() || !document->contains("error")) {
        const auto body = printable(reply.body.substr(0, kShownBytesOfAStranger));
        terminal_.complain(fmt::format(
            "opslab: {} answered {}, not in the form of opslab: {}",
            client_.url(),
            reply.status,
            body
        ));
        return code;
    }
    const auto text_of = [](const nlohmann::json& object, const char* key) {
        const auto found = object.find(key);
        return found != object.end() && found->is_string()
                   ? printable(found->get_ref<const std::string&>())
                   : std::string{};
    };
    // of what went wrong over there the coordinator's log knows more, under this id
    const auto known_as = reply.status >= 500 && !reply.request_id.empty()
                              ? ", request " + reply.request_id
                              : std::string();
    terminal_.complain(fmt::format(
        "opslab: {} ({} {}{})",
        text_of(*document, "error"),
        reply.status,
        text_of(*document, "code"),
        known_as
    ));
    const nlohmann::json::json_pointer where{"/details/fields"};
    if (document->contains(where) && document->at(where).is_array()) {
        for (const auto& field : document->at(where)) {
            if (field.is_object()) {
                const auto name = text_of(field, "field");
                terminal_.complain(fmt::format(
                    "  {}: {}", name.empty() ? "the body" : name, text_of(field, "message")
                ));
            }
        }
    }
    return code;
}

ExitCode Session::explain(const Error& error) {
    terminal_.complain("opslab: " + printable(error.message));
    const bool away = error.code == Errc::unavailable || error.code == Errc::timeout;
    return away ? ExitCode::unreachable : ExitCode::refused;
}

void Session::print_json(std::string_view json) {
    while (!json.empty() && (json.back() == '\n' || json.back() == '\r')) {
        json.remove_suffix(1);
    }
    terminal_.line(harmless_json(json));
}

ExitCode with_session(const Connection& connection, const std::function<ExitCode(Session&)>& work) {
    Endpoint endpoint{
        .url = connection.coordinator, .timeout = std::chrono::seconds{connection.timeout_seconds}};
    SystemClock clock;
    SystemEntropy entropy;
    endpoint.numbers = std::make_shared<CallNumbers>();
    endpoint.numbers->prefix = "cli-" + make_uuid(clock.now(), entropy);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    if (const char* trace = std::getenv("TRACEPARENT"); trace != nullptr) {
        if (auto parsed = parse_traceparent(trace)) {
            endpoint.headers.emplace_back("traceparent", std::move(*parsed));
        }
    }
    if (!connection.token_file.empty()) {
        auto token = read_token_file(connection.token_file);
        if (!token) {
            return complain_usage(token.error().message);
        }
        endpoint.token = std::move(token->token);
    }
    auto client = HttpClient::open(std::move(endpoint));
    if (!client) {
        return complain_usage(client.error().message);
    }
    Session session{std::move(*client), connection.json, Terminal::detect()};
    return work(session);
}

ExitCode complain_usage(std::string_view message) {
    const auto line = "opslab: " + printable(message) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
    return ExitCode::usage;
}

}  // namespace opslab::cli
