#pragma once

#include <opslab/docker/engine_address.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace opslab::docker {

/// Answers HTTP on a unix socket with what a test says an engine would. One call at a time.
class FakeEngine {
public:
    /// For an Answer: the connection ends without one; the engine has a fault.
    static constexpr const char* kCutOff = "cut off";
    static constexpr const char* kFault = R"({"message":"a fault"})";

    /// From a request's target to the body of status 200, or one of the two above.
    using Answer = std::function<std::string(std::string_view target)>;

    explicit FakeEngine(Answer answer) : answer_(std::move(answer)) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "opslab-engine-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data()) == nullptr ? std::string{} : pattern;
        address_.socket_path = directory_ + "/e.sock";
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(
            name.sun_path,
            address_.socket_path.c_str(),
            std::min(address_.socket_path.size() + 1, sizeof name.sun_path)
        );
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
            ::listen(listener_, 8) != 0) {
            std::abort();
        }
        thread_ = std::thread([this] { serve(); });
    }

    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;

    ~FakeEngine() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
        std::error_code failed;
        std::filesystem::remove_all(directory_, failed);
    }

    [[nodiscard]] const EngineAddress& address() const { return address_; }

private:
    void serve() {
        for (;;) {
            const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (peer < 0) {
                return;
            }
            answer_one(peer);
            ::close(peer);
        }
    }

    void answer_one(int peer) const {
        std::string request;
        std::array<char, 4096> piece{};
        while (request.find("\r\n\r\n") == std::string::npos) {
            const auto got = ::recv(peer, piece.data(), piece.size(), 0);
            if (got <= 0) {
                return;
            }
            request.append(piece.data(), static_cast<std::size_t>(got));
        }
        read_body(peer, request);
        const auto from = request.find(' ') + 1;
        const std::string target = request.substr(from, request.find(' ', from) - from);
        const std::string body = target == "/_ping" ? "OK" : answer_(target);
        if (body == kCutOff) {
            return;
        }
        const std::string reply =
            std::string(body == kFault ? "HTTP/1.1 500 Fault" : "HTTP/1.1 200 OK") +
            "\r\nApi-Version: 1.41\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        std::size_t sent = 0;
        while (sent < reply.size()) {
            const auto put = ::send(peer, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
            if (put <= 0) {
                return;
            }
            sent += static_cast<std::size_t>(put);
        }
    }

    // So that the answer is not lost with a connection that ends with bytes unread.
    static void read_body(int peer, std::string& request) {
        constexpr std::string_view kLength = "Content-Length: ";
        const auto at = request.find(kLength);
        const auto length = at == std::string::npos
                                ? 0UL
                                : std::strtoul(request.c_str() + at + kLength.size(), nullptr, 10);
        const auto whole = request.find("\r\n\r\n") + 4 + length;
        std::array<char, 4096> piece{};
        while (request.size() < whole) {
            const auto got = ::recv(peer, piece.data(), piece.size(), 0);
            if (got <= 0) {
                return;
            }
            request.append(piece.data(), static_cast<std::size_t>(got));
        }
    }

    Answer answer_;
    std::string directory_{};
    EngineAddress address_{};
    int listener_ = -1;
    std::thread thread_{};
};

}  // namespace opslab::docker
