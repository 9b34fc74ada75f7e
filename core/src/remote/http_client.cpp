#include "remote/http_client.hpp"

#include <curl/curl.h>

#include <array>
#include <cstddef>

namespace opslab {
namespace {

constexpr std::size_t kMaxAnswerBytes = 256UL * 1024 * 1024;
constexpr long kConnectSeconds = 10;
constexpr long kSilenceSeconds = 45;

struct MultiDeleter {
    void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using Multi = std::unique_ptr<CURLM, MultiDeleter>;
struct CurlDeleter {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, CurlDeleter>;
using Url = std::unique_ptr<CURLU, CurlDeleter>;
using Headers = std::unique_ptr<curl_slist, CurlDeleter>;

/// One exchange while it runs.
struct Exchange {
    CURL* handle = nullptr;
    HttpReply reply{};
    const StreamSink* sink = nullptr;
    bool ended_by_sink = false;
    bool too_large = false;
    bool interrupted = false;
};

// Exceptions must not unwind through C frames; out of memory is the only one that can come, and
// then ending the transfer is the right answer too.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::string_view piece{data, size * count};
    try {
        long status = 0;
        curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
        if (exchange.sink != nullptr && status == 200) {
            exchange.ended_by_sink = !exchange.sink->data(piece);
            return exchange.ended_by_sink ? 0 : piece.size();
        }
        if (exchange.reply.body.size() + piece.size() > kMaxAnswerBytes) {
            exchange.too_large = true;
            return 0;
        }
        exchange.reply.body.append(piece);
        return piece.size();
    } catch (...) {
        return 0;
    }
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& exchange = *static_cast<Exchange*>(user);
    try {
        exchange.ended_by_sink = exchange.sink->tick && !exchange.sink->tick();
        return exchange.ended_by_sink ? 1 : 0;
    } catch (...) {
        return 1;
    }
}

std::string url_part(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) {
        return {};
    }
    std::string value{text};
    curl_free(text);
    return value;
}

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "[::1]" || host.rfind("127.", 0) == 0;
}

Result<Headers> header_list(
    const HttpCall& call, const Endpoint& endpoint, const std::string& request_id
) {
    Headers list;
    const auto add = [&](const std::string& line) {
        auto* grown = curl_slist_append(list.get(), line.c_str());
        if (grown == nullptr) {
            return false;
        }
        static_cast<void>(list.release());
        list.reset(grown);
        return true;
    };
    // without this, curl holds a body over 1 MiB back for a second, waiting for a 100 Continue
    bool complete = add("Expect:");
    if (!call.body.empty()) {
        complete = complete && add("Content-Type: application/json");
    }
    if (!endpoint.token.empty()) {
        complete = complete && add("Authorization: Bearer " + endpoint.token);
    }
    if (!request_id.empty()) {
        complete = complete && add("X-Request-ID: " + request_id);
    }
    for (const auto* fields : {&endpoint.headers, &call.headers}) {
        for (const auto& [name, value] : *fields) {
            std::string field = name;
            field += ": ";
            field += value;
            complete = complete && add(field);
        }
    }
    if (!complete) {
        return fail(Errc::exhausted, "out of memory");
    }
    return list;
}

}  // namespace

std::string url_encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                c == '~';
        if (unreserved) {
            encoded.push_back(c);
        } else {
            encoded.push_back('%');
            encoded.push_back(kDigits.at(byte >> 4U));
            encoded.push_back(kDigits.at(byte & 0xfU));
        }
    }
    return encoded;
}

std::string query_string(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string query;
    for (const auto& [name, value] : pairs) {
        if (!value.empty()) {
            query += query.empty() ? '?' : '&';
            query += name + "=" + url_encode(value);
        }
    }
    return query;
}

struct HttpClient::State {
    Endpoint endpoint{};
    bool direct = false;  ///< a loopback address is never asked of a proxy
    Multi multi;          ///< holds the kept connection
    Easy easy;
    std::array<char, CURL_ERROR_SIZE> why{};

    Result<HttpReply> perform(const HttpCall& call, const StreamSink* sink);
    void prepare(const HttpCall& call, Exchange& exchange, curl_slist* headers);
    [[nodiscard]] CURLcode drive(int interrupt_fd, bool& interrupted);
    [[nodiscard]] Error broken(CURLcode code, const Exchange& exchange) const;
};

void HttpClient::State::prepare(const HttpCall& call, Exchange& exchange, curl_slist* headers) {
    CURL* curl = easy.get();
    curl_easy_reset(curl);
    const std::string url = endpoint.url + call.path;
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why.data());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "opslab/" OPSLAB_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, call.new_connection ? 1L : 0L);
    if (direct) {
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    if (call.method != "GET") {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
        curl_easy_setopt(
            curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size())
        );
    }
    if (exchange.sink == nullptr) {
        const std::chrono::milliseconds limit =
            call.timeout.count() > 0 ? call.timeout : endpoint.timeout;
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
    } else {
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kSilenceSeconds);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
    }
}

/// `curl_easy_perform`, but for the interrupt.
CURLcode HttpClient::State::drive(int interrupt_fd, bool& interrupted) {
    if (curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) {
        return CURLE_FAILED_INIT;
    }
    auto code = CURLE_FAILED_INIT;
    for (bool done = false; !done;) {
        int running = 0;
        if (curl_multi_perform(multi.get(), &running) != CURLM_OK) {
            break;
        }
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
            if (message->msg == CURLMSG_DONE) {
                code = message->data.result;
                done = true;
            }
        }
        curl_waitfd extra{interrupt_fd, CURL_WAIT_POLLIN, 0};
        const unsigned count = interrupt_fd >= 0 ? 1 : 0;
        if (done || curl_multi_poll(multi.get(), &extra, count, 1000, nullptr) != CURLM_OK) {
            break;
        }
        if (count == 1 && extra.revents != 0) {
            interrupted = true;
            break;
        }
    }
    curl_multi_remove_handle(multi.get(), easy.get());
    return code;
}

Error HttpClient::State::broken(CURLcode code, const Exchange& exchange) const {
    const std::string reason = why.front() != '\0' ? why.data() : curl_easy_strerror(code);
    if (exchange.too_large) {
        return Error{
            .code = Errc::exhausted, .message = "the coordinator's answer is over 256 MiB"};
    }
    if (exchange.interrupted) {
        return Error{.code = Errc::unavailable, .message = "the call was interrupted"};
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return Error{
            .code = Errc::timeout,
            .message = "no answer from the coordinator at " + endpoint.url + " in time: " + reason};
    }
    return Error{
        .code = Errc::unavailable,
        .message = "cannot reach the coordinator at " + endpoint.url + ": " + reason};
}

Result<HttpReply> HttpClient::State::perform(const HttpCall& call, const StreamSink* sink) {
    Exchange exchange{.handle = easy.get(), .sink = sink};
    if (endpoint.numbers) {
        exchange.reply.request_id =
            endpoint.numbers->prefix + "-" + std::to_string(++endpoint.numbers->last);
    }
    auto headers = header_list(call, endpoint, exchange.reply.request_id);
    if (!headers) {
        return tl::unexpected(headers.error());
    }
    prepare(call, exchange, headers->get());
    why.front() = '\0';
    const CURLcode code = drive(call.interrupt_fd, exchange.interrupted);
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &exchange.reply.status);
    if (code != CURLE_OK && !exchange.ended_by_sink) {
        return tl::unexpected(broken(code, exchange));
    }
    return std::move(exchange.reply);
}

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::open(Endpoint endpoint) {
    const auto refuse = [&](const std::string& why) {
        return fail(
            Errc::invalid_argument,
            "the coordinator's address must be like http://127.0.0.1:8000; " + why
        );
    };
    const Url url{curl_url()};
    if (!url || curl_url_set(url.get(), CURLUPART_URL, endpoint.url.c_str(), 0) != CURLUE_OK) {
        return refuse("\"" + endpoint.url + "\" is not a URL with a scheme");
    }
    const auto scheme = url_part(url.get(), CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") {
        return refuse("the scheme \"" + scheme + "\" is not http or https");
    }
    if (!url_part(url.get(), CURLUPART_USER).empty() ||
        !url_part(url.get(), CURLUPART_PASSWORD).empty()) {
        return refuse("a name or password in it would show in ps: use --token-file");
    }
    if (!url_part(url.get(), CURLUPART_QUERY).empty() ||
        !url_part(url.get(), CURLUPART_FRAGMENT).empty()) {
        return refuse("it has no query and no fragment");
    }
    auto state = std::make_unique<State>();
    while (!endpoint.url.empty() && endpoint.url.back() == '/') {
        endpoint.url.pop_back();
    }
    state->direct = is_loopback(url_part(url.get(), CURLUPART_HOST));
    state->endpoint = std::move(endpoint);
    static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    state->multi.reset(kReady ? curl_multi_init() : nullptr);
    state->easy.reset(kReady ? curl_easy_init() : nullptr);
    if (!state->multi || !state->easy) {
        return fail(Errc::internal, "libcurl does not start");
    }
    return HttpClient{std::move(state)};
}

Result<HttpReply> HttpClient::send(const HttpCall& call) {
    return state_->perform(call, nullptr);
}

Result<HttpReply> HttpClient::stream(const HttpCall& call, const StreamSink& sink) {
    return state_->perform(call, &sink);
}

const std::string& HttpClient::url() const {
    return state_->endpoint.url;
}

}  // namespace opslab
