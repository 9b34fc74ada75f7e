#include "http_transport.hpp"

#include <curl/curl.h>

#include <exception>
#include <memory>

namespace opslab::docker {
namespace {

constexpr std::size_t kMaxBody = std::size_t{8} << 20U;
constexpr std::size_t kMaxErrorBody = std::size_t{64} << 10U;

struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using Multi = std::unique_ptr<CURLM, MultiDeleter>;
using List = std::unique_ptr<curl_slist, ListDeleter>;

// What the callbacks see. No exception may pass through curl's C code, so one is kept and thrown
// again on our side of it.
struct Exchange {
    const HttpCall& call;
    CURL* easy = nullptr;
    HttpReply reply{};
    bool is_stopped = false;
    bool is_too_big = false;
    std::exception_ptr thrown{};
};

bool take_piece(Exchange& exchange, std::string_view piece) {
    long status = 0;
    curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &status);
    const bool is_success = status >= 200 && status < 300;
    if (is_success && exchange.call.take != nullptr) {
        exchange.is_stopped = !(*exchange.call.take)(piece);
        return !exchange.is_stopped;
    }
    const std::size_t limit = is_success ? kMaxBody : kMaxErrorBody;
    if (exchange.reply.body.size() + piece.size() > limit) {
        if (!is_success) {  // only the beginning of an error's text is of use
            return true;
        }
        exchange.is_too_big = true;
        return false;
    }
    exchange.reply.body.append(piece);
    return true;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* context) {
    auto& exchange = *static_cast<Exchange*>(context);
    try {
        return take_piece(exchange, std::string_view{data, size * count}) ? size * count : 0;
    } catch (...) {
        exchange.thrown = std::current_exception();
        return 0;
    }
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* context) {
    auto& exchange = *static_cast<Exchange*>(context);
    constexpr std::string_view kName = "api-version:";
    std::string_view line{data, size * count};
    if (line.size() < kName.size() || line.size() > 64) {
        return size * count;
    }
    for (std::size_t i = 0; i < kName.size(); ++i) {
        const char c = line[i];
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (lower != kName[i]) {
            return size * count;
        }
    }
    line.remove_prefix(kName.size());
    exchange.reply.api_version.clear();
    for (const char c : line) {
        if ((c >= '0' && c <= '9') || c == '.') {
            exchange.reply.api_version.push_back(c);
        }
    }
    return size * count;
}

[[nodiscard]] bool curl_is_ready() {
    static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return kReady;
}

void set_request(CURL* easy, const EngineAddress& address, const HttpCall& call, List& headers) {
    const std::string host = address.socket_path.empty() ? address.authority : "localhost";
    curl_easy_setopt(easy, CURLOPT_URL, ("http://" + host + call.target).c_str());
    if (!address.socket_path.empty()) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, address.socket_path.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // http_proxy is not for engines
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(call.timeout.count()));
    if (call.idle_timeout.count() > 0) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(
            easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(call.idle_timeout.count())
        );
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method);
    if (std::string_view{call.method} == "POST" || call.content_type != nullptr) {
        curl_easy_setopt(
            easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size())
        );
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.data());
        const std::string type = call.content_type == nullptr
                                     ? "Content-Type:"
                                     : std::string{"Content-Type: "} + call.content_type;
        headers.reset(curl_slist_append(headers.release(), type.c_str()));
        headers.reset(curl_slist_append(headers.release(), "Expect:"));
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
}

void set_callbacks(CURL* easy, Exchange& exchange) {
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
}

// Drives the transfer; CURLE_OK with `was_interrupted` where the host wants us back.
[[nodiscard]] CURLcode drive(CURLM* multi, Interrupt interrupt, bool& was_interrupted) {
    for (;;) {
        int running = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK) {
            return CURLE_FAILED_INIT;
        }
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
            if (message->msg == CURLMSG_DONE) {
                return message->data.result;
            }
        }
        curl_waitfd extra{interrupt.fd, CURL_WAIT_POLLIN, 0};
        const unsigned count = interrupt.fd >= 0 ? 1 : 0;
        if (curl_multi_poll(multi, &extra, count, 1000, nullptr) != CURLM_OK) {
            return CURLE_FAILED_INIT;
        }
        if (count == 1 && extra.revents != 0) {
            was_interrupted = true;
            return CURLE_OK;
        }
    }
}

[[nodiscard]] tl::unexpected<EngineError> failure(
    const EngineAddress& address, const Exchange& exchange, CURLcode code
) {
    const std::string where = address.text();
    if (exchange.is_stopped) {
        return engine_fail(EngineErrc::stopped, "the reader of the stream has left off");
    }
    if (exchange.is_too_big) {
        return engine_fail(EngineErrc::protocol, "the answer of " + where + " is over 8 MiB");
    }
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
            return engine_fail(
                EngineErrc::timeout, "the Docker engine at " + where + " did not answer in time"
            );
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_HTTP2:
            return engine_fail(
                EngineErrc::protocol, "what answers at " + where + " does not speak HTTP"
            );
        case CURLE_COULDNT_CONNECT:
        case CURLE_COULDNT_RESOLVE_HOST:
            return engine_fail(
                EngineErrc::away,
                "no Docker engine answers at " + where +
                    "; start it, or set `socket` or DOCKER_HOST to where it listens"
            );
        default:
            return engine_fail(
                EngineErrc::away,
                "the connection to the Docker engine at " + where +
                    " broke: " + curl_easy_strerror(code)
            );
    }
}

}  // namespace

EngineResult<HttpReply> perform(const EngineAddress& address, const HttpCall& call) {
    List headers;
    const Easy easy(curl_is_ready() ? curl_easy_init() : nullptr);
    const Multi multi(curl_multi_init());
    if (easy == nullptr || multi == nullptr) {
        return engine_fail(EngineErrc::fault, "out of memory for a connection to the engine");
    }
    Exchange exchange{.call = call, .easy = easy.get()};
    set_request(easy.get(), address, call, headers);
    set_callbacks(easy.get(), exchange);
    curl_multi_add_handle(multi.get(), easy.get());
    bool was_interrupted = false;
    const CURLcode code = drive(multi.get(), call.interrupt, was_interrupted);
    curl_multi_remove_handle(multi.get(), easy.get());
    if (exchange.thrown) {
        std::rethrow_exception(exchange.thrown);
    }
    if (was_interrupted) {
        return engine_fail(EngineErrc::interrupted, "the call was interrupted");
    }
    if (code != CURLE_OK) {
        return failure(address, exchange, code);
    }
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &exchange.reply.status);
    return std::move(exchange.reply);
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                              (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
                              c == '~';
        if (is_plain) {
            out.push_back(c);
        } else {
            out.push_back('%');
            out.push_back(kDigits[byte >> 4U]);
            out.push_back(kDigits[byte & 0xfU]);
        }
    }
    return out;
}

}  // namespace opslab::docker
