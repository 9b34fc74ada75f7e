#include "engine_json.hpp"
#include "http_transport.hpp"

#include <opslab/docker/engine.hpp>
#include <opslab/docker/tar_archive.hpp>
#include <opslab/exec/line_splitter.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace opslab::docker {
namespace {

constexpr int kOldestApi = 40;  // 1.40
constexpr int kNewestApi = 47;  // engines answer to all between their own bounds

[[nodiscard]] tl::unexpected<EngineError> refusal(const HttpReply& reply) {
    const std::string words = engine_words(reply.body);
    const std::string text = words.empty() ? "HTTP status " + std::to_string(reply.status) : words;
    switch (reply.status) {
        case 404:
            return engine_fail(EngineErrc::not_found, text);
        case 409:
            return engine_fail(EngineErrc::conflict, text);
        default:
            break;
    }
    const bool is_theirs = reply.status >= 500;
    return engine_fail(is_theirs ? EngineErrc::fault : EngineErrc::refused, text);
}

[[nodiscard]] std::string container_path(std::string_view container, std::string_view rest) {
    return "/containers/" + percent_encoded(container) + std::string{rest};
}

// A reference with no tag and no digest would bring every tag of the repository.
[[nodiscard]] std::string with_tag(std::string_view image) {
    const auto slash = image.rfind('/');
    const auto name = slash == std::string_view::npos ? image : image.substr(slash + 1);
    const bool is_exact =
        name.find(':') != std::string_view::npos || image.find('@') != std::string_view::npos;
    return std::string{image} + (is_exact ? "" : ":latest");
}

constexpr std::size_t kMaxReportLine = std::size_t{64} << 10U;

// Finds the error in the progress report of a pull, which has status 200 whatever comes of it.
class PullReport final : public exec::LineTaker {
public:
    [[nodiscard]] SinkAnswer line(std::string_view text, bool /*truncated*/) override {
        if (error_.empty() && text.find("\"error\"") != std::string_view::npos) {
            error_ = text_member(text, "error").value_or("the pull failed").substr(0, 512);
        }
        return SinkAnswer::go_on;
    }

    [[nodiscard]] const std::string& error() const { return error_; }

private:
    std::string error_{};
};

// Reads a container's events until it has ended.
class EndReport final : public exec::LineTaker {
public:
    [[nodiscard]] SinkAnswer line(std::string_view text, bool /*truncated*/) override {
        const auto action = text_member(text, "Action").value_or("");
        end_.was_signalled = end_.was_signalled || action == "kill";
        end_.was_seen = action == "die" || action == "died";  // podman's word
        return end_.was_seen ? SinkAnswer::leave_off : SinkAnswer::go_on;
    }

    [[nodiscard]] const SeenEnd& end() const { return end_; }

private:
    SeenEnd end_{};
};

}  // namespace

struct Engine::Call {
    HttpCall http{};
    std::string path{};
};

EngineResult<std::string> Engine::api_prefix() {
    const std::lock_guard lock(mutex_);
    if (!api_prefix_.empty()) {
        return api_prefix_;
    }
    HttpCall call;
    call.target = "/_ping";
    call.timeout = std::chrono::seconds{10};
    const auto reply = perform(address_, call);
    if (!reply) {
        return tl::unexpected(reply.error());
    }
    if (reply->status != 200) {
        return refusal(*reply);
    }
    const std::string& version = reply->api_version;
    int minor = 0;
    if (version.starts_with("1.")) {
        std::from_chars(version.data() + 2, version.data() + version.size(), minor);
    }
    if (minor < kOldestApi) {
        return engine_fail(
            EngineErrc::protocol,
            "what answers at " + address_.text() + " is no Docker engine with API 1.40 or newer"
        );
    }
    api_prefix_ = "/v1." + std::to_string(std::min(minor, kNewestApi));
    return api_prefix_;
}

EngineResult<std::string> Engine::send(const Call& call) {
    const auto prefix = api_prefix();
    if (!prefix) {
        return tl::unexpected(prefix.error());
    }
    HttpCall http = call.http;
    http.target = *prefix + call.path;
    auto reply = perform(address_, http);
    if (!reply) {
        return tl::unexpected(reply.error());
    }
    // 304: already so
    if ((reply->status >= 200 && reply->status < 300) || reply->status == 304) {
        return std::move(reply->body);
    }
    return refusal(*reply);
}

EngineResult<std::string> Engine::version() {
    return send({.http = {.timeout = std::chrono::seconds{10}}, .path = "/version"})
        .and_then([](const std::string& body) { return text_member(body, "Version"); });
}

EngineResult<std::string> Engine::data_directory() {
    return send({.http = {.timeout = std::chrono::seconds{10}}, .path = "/info"})
        .and_then([](const std::string& body) { return text_member(body, "DockerRootDir"); });
}

EngineResult<bool> Engine::has_image(std::string_view image) {
    const auto found = send({.path = "/images/" + percent_encoded(image) + "/json"});
    if (!found && found.error().code != EngineErrc::not_found) {
        return tl::unexpected(found.error());
    }
    return found.has_value();
}

EngineResult<ImageFacts> Engine::image(std::string_view image) {
    return send({.path = "/images/" + percent_encoded(image) + "/json"})
        .and_then([](const std::string& answer) { return image_facts(answer); });
}

EngineStatus Engine::pull_image(std::string_view image, Interrupt interrupt) {
    PullReport report;
    exec::LineSplitter lines(kMaxReportLine);
    const TakeBytes take = [&](std::string_view bytes) {
        return lines.feed(bytes, report).answer == SinkAnswer::go_on;
    };
    Call call{.path = "/images/create?fromImage=" + percent_encoded(with_tag(image))};
    call.http.method = "POST";
    call.http.timeout = std::chrono::hours{1};
    call.http.idle_timeout = std::chrono::minutes{5};
    call.http.interrupt = interrupt;
    call.http.take = &take;
    if (auto sent = send(call); !sent) {
        return tl::unexpected(sent.error());
    }
    static_cast<void>(lines.finish(report));
    if (!report.error().empty()) {
        return engine_fail(EngineErrc::fault, report.error());
    }
    return {};
}

EngineResult<std::string> Engine::create(std::string_view name, std::string_view body_json) {
    Call call{.path = "/containers/create?name=" + percent_encoded(name)};
    call.http.method = "POST";
    call.http.body = body_json;
    call.http.content_type = "application/json";
    call.http.timeout = std::chrono::seconds{60};
    return send(call).and_then([](const std::string& body) { return text_member(body, "Id"); });
}

EngineStatus Engine::unpack(
    std::string_view container, std::string_view directory, std::string_view tar
) {
    Call call{.path = container_path(container, "/archive?path=" + percent_encoded(directory))};
    call.http.method = "PUT";
    call.http.body = tar;
    call.http.content_type = "application/x-tar";
    call.http.timeout = std::chrono::seconds{60};
    return send(call).map([](const std::string&) {});
}

EngineResult<std::string> Engine::file(std::string_view container, std::string_view path) {
    return send({.path = container_path(container, "/archive?path=" + percent_encoded(path))})
        .and_then([](const std::string& tar) -> EngineResult<std::string> {
            auto content = only_file_of(tar);
            if (!content) {
                return engine_fail(EngineErrc::protocol, "it is no plain file");
            }
            return *std::move(content);
        });
}

EngineStatus Engine::start(std::string_view container) {
    Call call{.path = container_path(container, "/start")};
    call.http.method = "POST";
    call.http.timeout = std::chrono::seconds{60};
    return send(call).map([](const std::string&) {});
}

EngineResult<ContainerState> Engine::inspect(std::string_view container) {
    return send({.path = container_path(container, "/json")}).and_then(container_state);
}

EngineStatus Engine::kill(std::string_view container, std::string_view signal) {
    Call call{.path = container_path(container, "/kill?signal=" + percent_encoded(signal))};
    call.http.method = "POST";
    return send(call).map([](const std::string&) {});
}

EngineStatus Engine::wait_until_stopped(
    std::string_view container, std::chrono::milliseconds timeout
) {
    Call call{.path = container_path(container, "/wait?condition=not-running")};
    call.http.method = "POST";
    call.http.timeout = std::max(timeout, std::chrono::milliseconds{1});
    return send(call).map([](const std::string&) {});
}

EngineStatus Engine::remove(std::string_view container) {
    Call call{.path = container_path(container, "?force=1&v=1")};
    call.http.method = "DELETE";
    call.http.timeout = std::chrono::seconds{60};
    return send(call).map([](const std::string&) {});
}

EngineResult<std::vector<ContainerSummary>> Engine::list(const Labels& labels) {
    return send({.path = "/containers/json?all=1&filters=" + percent_encoded(label_filters(labels))}
    )
        .and_then(container_list);
}

EngineStatus Engine::logs(
    std::string_view container, const LogQuery& query, const TakeBytes& take, Interrupt interrupt
) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    std::string rest = "/logs?stdout=1&stderr=1&timestamps=1";
    rest += query.follow ? "&follow=1" : "";
    if (query.since_ns > 0) {
        std::string fraction = std::to_string(query.since_ns % kSecond);
        fraction.insert(0, 9 - fraction.size(), '0');
        rest += "&since=" + std::to_string(query.since_ns / kSecond) + "." + fraction;
    }
    Call call{.path = container_path(container, rest)};
    call.http.timeout = std::chrono::milliseconds{0};
    call.http.interrupt = interrupt;
    call.http.take = &take;
    return send(call).map([](const std::string&) {});
}

EngineResult<SeenEnd> Engine::seen_end(std::string_view container, Interrupt interrupt) {
    constexpr std::chrono::seconds kPatience{3};  // what is kept comes at once
    EndReport report;
    exec::LineSplitter lines(kMaxReportLine);
    const TakeBytes take = [&](std::string_view bytes) {
        return lines.feed(bytes, report).answer == SinkAnswer::go_on;
    };
    Call call{.path = "/events?since=1&filters=" + percent_encoded(container_filter(container))};
    call.http.timeout = kPatience;
    call.http.interrupt = interrupt;
    call.http.take = &take;
    const auto sent = send(call);
    if (!sent && sent.error().code != EngineErrc::stopped &&
        sent.error().code != EngineErrc::timeout) {
        return tl::unexpected(sent.error());
    }
    return report.end();
}

EngineStatus Engine::attach(
    std::string_view container, const TakeBytes& take, Interrupt interrupt
) {
    Call call{.path = container_path(container, "/attach?stream=1&stdout=1&stderr=1")};
    call.http.method = "POST";
    call.http.timeout = std::chrono::milliseconds{0};
    call.http.interrupt = interrupt;
    call.http.take = &take;
    return send(call).map([](const std::string&) {});
}

}  // namespace opslab::docker
