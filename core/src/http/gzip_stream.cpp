#include "http/gzip_stream.hpp"

#include "http/field_value.hpp"

#include <zlib.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace opslab {

namespace {

constexpr int kGzipWindow = 15 + 16;  // the largest window, with gzip's own frame
constexpr int kMemoryLevel = 8;
constexpr int kLevel = 5;  // text of agents: little is gained beyond, and the time doubles

class GzipStream final : public StreamSource {
public:
    explicit GzipStream(std::unique_ptr<StreamSource> plain) : plain_(std::move(plain)) {
        ready_ = deflateInit2(
                     &deflate_, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY
                 ) == Z_OK;
    }
    ~GzipStream() override {
        plain_.reset();  // nobody wakes us any more
        if (ready_) {
            deflateEnd(&deflate_);
        }
    }
    GzipStream(const GzipStream&) = delete;
    GzipStream& operator=(const GzipStream&) = delete;

    [[nodiscard]] bool ready() const { return ready_; }

    void start(StreamWaker waker) override { plain_->start(std::move(waker)); }

    StreamStep next() override {
        auto step = plain_->next();
        if (step.then == StreamStep::Then::abort) {
            return step;
        }
        unflushed_ = unflushed_ || !step.bytes.empty();
        int flush = Z_NO_FLUSH;
        if (step.then == StreamStep::Then::end) {
            flush = Z_FINISH;
        } else if (step.then == StreamStep::Then::wait && unflushed_) {
            flush = Z_SYNC_FLUSH;
            unflushed_ = false;
        }
        step.bytes = packed(std::move(step.bytes), flush);
        return step;
    }

    std::string completion() override { return packed(plain_->completion(), Z_FINISH); }

private:
    std::string packed(std::string plain, int flush) {
        std::string out;
        if (plain.empty() && flush == Z_NO_FLUSH) {
            return out;
        }
        deflate_.next_in = reinterpret_cast<Bytef*>(plain.data());
        deflate_.avail_in = static_cast<uInt>(plain.size());
        do {
            std::array<char, 16384> block{};
            deflate_.next_out = reinterpret_cast<Bytef*>(block.data());
            deflate_.avail_out = static_cast<uInt>(block.size());
            deflate(&deflate_, flush);
            out.append(block.data(), block.size() - deflate_.avail_out);
        } while (deflate_.avail_out == 0);
        return out;
    }

    std::unique_ptr<StreamSource> plain_;
    z_stream deflate_{};
    bool ready_ = false;
    bool unflushed_ = false;  // bytes went in since the last flush
};

/// Whether the parameters of a coding say `q=0`: "not this one".
bool is_refused(std::string_view parameters) {
    auto weight = trimmed(parameters);
    if (!weight.starts_with("q=") && !weight.starts_with("Q=")) {
        return false;
    }
    weight.remove_prefix(2);
    return weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

std::string gunzipped(std::string_view gzip) {
    std::string plain;
    z_stream inflate_state{};
    if (inflateInit2(&inflate_state, kGzipWindow) != Z_OK) {
        return plain;
    }
    std::string packed(gzip);  // zlib reads through a pointer that is not const
    inflate_state.next_in = reinterpret_cast<Bytef*>(packed.data());
    inflate_state.avail_in = static_cast<uInt>(packed.size());
    int state = Z_OK;
    while (state == Z_OK) {
        std::array<char, 16384> block{};
        inflate_state.next_out = reinterpret_cast<Bytef*>(block.data());
        inflate_state.avail_out = static_cast<uInt>(block.size());
        state = inflate(&inflate_state, Z_NO_FLUSH);
        plain.append(block.data(), block.size() - inflate_state.avail_out);
    }
    inflateEnd(&inflate_state);
    return plain;
}

bool accepts_gzip(const HttpHeaders& headers) {
    std::string_view rest = headers.find("Accept-Encoding").value_or(std::string_view{});
    std::optional<bool> any;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const auto item = rest.substr(0, comma);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        const auto semicolon = item.find(';');
        const auto coding = trimmed(item.substr(0, semicolon));
        const bool wanted =
            semicolon == std::string_view::npos || !is_refused(item.substr(semicolon + 1));
        if (coding == "gzip" || coding == "x-gzip" || coding == "GZIP") {
            return wanted;
        }
        if (coding == "*") {
            any = wanted;
        }
    }
    return any.value_or(false);
}

std::unique_ptr<StreamSource> gzip_stream(std::unique_ptr<StreamSource> plain) {
    auto stream = std::make_unique<GzipStream>(std::move(plain));
    if (!stream->ready()) {
        return nullptr;
    }
    return stream;
}

}  // namespace opslab
