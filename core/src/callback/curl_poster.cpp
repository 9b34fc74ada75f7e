#include "callback/curl_poster.hpp"

#include "callback/address_rules.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <utility>

namespace opslab {

namespace {

constexpr std::size_t kMaxAnswer = std::size_t{64} << 10U;
constexpr long kMaxKeptConnections = 64;

struct MultiDeleter {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// A post under way. Its address is given to curl, so it does not move. The handle goes first: it
/// refers to the list and the body.
struct Transfer {
    Post post{};
    bool allow_private = false;
    std::size_t answer_bytes = 0;
    bool is_answer_cut = false;
    bool is_any_permitted = false;  // one of its addresses
    std::string refused{};          // why another was not
    std::unique_ptr<curl_slist, ListDeleter> headers{};
    std::unique_ptr<CURL, EasyDeleter> easy{};
};

std::size_t on_answer(char* /*data*/, std::size_t size, std::size_t count, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    transfer.answer_bytes += size * count;
    transfer.is_answer_cut = transfer.answer_bytes > kMaxAnswer;
    return transfer.is_answer_cut ? 0 : size * count;
}

// Sees every address that curl is about to connect to, whatever name it came from. No exception
// may pass through curl: what is stored is a text of a few bytes, and running out of memory for
// that ends the process.
curl_socket_t open_socket(
    void* context, curlsocktype /*purpose*/, curl_sockaddr* address
) noexcept {
    auto& transfer = *static_cast<Transfer*>(context);
    if (!transfer.allow_private) {
        const auto why = why_not_public(&address->addr, address->addrlen);
        if (!why.empty()) {
            transfer.refused = why;
            return CURL_SOCKET_BAD;
        }
    }
    transfer.is_any_permitted = true;
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

class CurlPoster final : public Poster {
public:
    CurlPoster(const CurlPosterSettings& settings, std::unique_ptr<CURLM, MultiDeleter> multi)
        : settings_(settings), multi_(std::move(multi)) {
        curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kMaxKeptConnections);
    }
    CurlPoster(const CurlPoster&) = delete;
    CurlPoster& operator=(const CurlPoster&) = delete;
    ~CurlPoster() override { abandon(); }

    void start(Post post) override;
    std::vector<PostResult> wait(Duration longest) override;
    void abandon() override;
    void wake() noexcept override { curl_multi_wakeup(multi_.get()); }

private:
    bool set_up(Transfer& transfer) const;
    void collect();
    [[nodiscard]] static PostResult result_of(const Transfer& transfer, CURLcode code);

    CurlPosterSettings settings_;
    std::unique_ptr<CURLM, MultiDeleter> multi_;
    std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
    std::vector<PostResult> ended_;
};

bool CurlPoster::set_up(Transfer& transfer) const {
    CURL* easy = transfer.easy.get();
    bool fine = true;
    const auto set = [&](CURLoption option, auto value) {
        fine = curl_easy_setopt(easy, option, value) == CURLE_OK && fine;
    };
    for (const auto& line : transfer.post.headers) {
        auto* list = curl_slist_append(transfer.headers.get(), line.c_str());
        if (list == nullptr) {
            return false;
        }
        static_cast<void>(transfer.headers.release());
        transfer.headers.reset(list);
    }
    const auto timeout = static_cast<long>(settings_.timeout.count());
    set(CURLOPT_URL, transfer.post.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // neither http_proxy nor all_proxy: it would resolve in our place
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_NOSIGNAL, 1L);
    // a resolver that hangs must not hold up the other posts, nor the end of the process
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_TIMEOUT_MS, timeout);
    set(CURLOPT_CONNECTTIMEOUT_MS, std::max(timeout / 2, 1L));
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, transfer.post.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.post.body.size()));
    set(CURLOPT_HTTPHEADER, transfer.headers.get());
    set(CURLOPT_WRITEFUNCTION, &on_answer);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(CURLOPT_OPENSOCKETDATA, &transfer);
    return fine;
}

void CurlPoster::start(Post post) {
    auto transfer = std::make_unique<Transfer>();
    transfer->post = std::move(post);
    transfer->post.headers.emplace_back("Expect:");
    transfer->allow_private = settings_.allow_private;
    transfer->easy.reset(curl_easy_init());
    CURL* easy = transfer->easy.get();
    if (easy == nullptr || !set_up(*transfer) ||
        curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
        ended_.push_back(
            {.id = transfer->post.id, .end = PostEnd::failed, .reason = "libcurl takes no post"}
        );
        return;
    }
    transfers_.emplace(easy, std::move(transfer));
}

std::vector<PostResult> CurlPoster::wait(Duration longest) {
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    collect();
    if (ended_.empty()) {
        const auto whole = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
        const auto limited = std::clamp<std::int64_t>(whole, 0, std::numeric_limits<int>::max());
        curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(limited), nullptr);
        curl_multi_perform(multi_.get(), &running);
        collect();
    }
    return std::exchange(ended_, {});
}

void CurlPoster::collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURL* easy = message->easy_handle;
        const CURLcode code = message->data.result;
        const auto found = transfers_.find(easy);
        ended_.push_back(result_of(*found->second, code));
        curl_multi_remove_handle(multi_.get(), easy);
        transfers_.erase(found);
    }
}

PostResult CurlPoster::result_of(const Transfer& transfer, CURLcode code) {
    PostResult result{.id = transfer.post.id};
    curl_off_t micros = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_TOTAL_TIME_T, &micros);
    result.took = Duration{micros};
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK || transfer.is_answer_cut) {
        result.end = PostEnd::answered;
        result.status = static_cast<int>(status);
    } else if (code == CURLE_COULDNT_CONNECT && !transfer.is_any_permitted && !transfer.refused.empty()) {
        result.end = PostEnd::refused_address;
        result.reason = "its address is " + transfer.refused +
                        ", which callbacks.allow_private: true would permit";
    } else {
        result.reason = curl_easy_strerror(code);
    }
    return result;
}

void CurlPoster::abandon() {
    for (const auto& [easy, transfer] : transfers_) {
        curl_multi_remove_handle(multi_.get(), easy);
    }
    transfers_.clear();
    ended_.clear();
}

}  // namespace

Result<std::unique_ptr<Poster>> make_curl_poster(const CurlPosterSettings& settings) {
    static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    std::unique_ptr<CURLM, MultiDeleter> multi(kReady ? curl_multi_init() : nullptr);
    if (!multi) {
        return fail(Errc::internal, "callbacks: libcurl cannot be set up");
    }
    return std::make_unique<CurlPoster>(settings, std::move(multi));
}

}  // namespace opslab
