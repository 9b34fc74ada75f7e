#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace opslab::testing {

/// A TCP connection to loopback that sends any bytes and reads answers: for what no decent HTTP
/// client would send. A server that says nothing for 30 s fails the read instead of the run.
class RawHttpClient {
public:
    enum class Family { v4, v6 };

    struct Answer {
        int status = 0;  ///< 0: the connection ended first
        std::string head{};
        std::string body{};
    };

    explicit RawHttpClient(std::uint16_t port, Family family = Family::v4)
        : fd_(::socket(family == Family::v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0)) {
        const timeval limit{.tv_sec = 30, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        sockaddr_storage storage{};
        socklen_t size = 0;
        if (family == Family::v4) {
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(port);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            size = sizeof address;
            std::memcpy(&storage, &address, size);
        } else {
            sockaddr_in6 address{};
            address.sin6_family = AF_INET6;
            address.sin6_port = htons(port);
            address.sin6_addr = in6addr_loopback;
            size = sizeof address;
            std::memcpy(&storage, &address, size);
        }
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&storage), size) == 0;
    }
    RawHttpClient(RawHttpClient&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          connected_(other.connected_),
          unread_(std::move(other.unread_)) {}
    RawHttpClient& operator=(RawHttpClient&&) = delete;
    RawHttpClient(const RawHttpClient&) = delete;
    RawHttpClient& operator=(const RawHttpClient&) = delete;
    ~RawHttpClient() { close(); }

    [[nodiscard]] bool connected() const { return connected_; }

    /// False where the server did not take it all.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// One answer, whole, with a length or in chunks; `asked_head` where it has no body.
    Answer read_answer(bool asked_head = false) {
        Answer answer;
        answer.head = read_through("\r\n\r\n");
        if (answer.head.size() < 12) {
            return answer;
        }
        answer.status = std::atoi(answer.head.c_str() + 9);
        if (asked_head || answer.status == 100) {
            return answer;
        }
        if (const auto length = header(answer.head, "Content-Length"); !length.empty()) {
            answer.body = read_bytes(static_cast<std::size_t>(std::atoll(length.c_str())));
        } else if (header(answer.head, "Transfer-Encoding") == "chunked") {
            for (auto piece = read_chunk(); !piece.empty(); piece = read_chunk()) {
                answer.body += piece;
            }
        }
        return answer;
    }

    /// Only the head, of a stream that goes on.
    Answer read_head() {
        Answer answer;
        answer.head = read_through("\r\n\r\n");
        answer.status = answer.head.size() < 12 ? 0 : std::atoi(answer.head.c_str() + 9);
        return answer;
    }

    /// The next chunk; empty at the last one, or where the connection ends.
    std::string read_chunk() {
        const auto line = read_through("\r\n");
        const auto size = static_cast<std::size_t>(std::strtoull(line.c_str(), nullptr, 16));
        auto chunk = read_bytes(size);
        read_bytes(2);
        return chunk;
    }

    /// Whether the server closes, after whatever it still says.
    bool read_until_closed() {
        while (receive()) {
        }
        return closed_;
    }

    /// Everything that comes until the server closes.
    std::string read_rest() {
        read_until_closed();
        return std::exchange(unread_, {});
    }

    void shut_sending() { ::shutdown(fd_, SHUT_WR); }

    void close() {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

    /// The value of a header in `head`, as this server writes it.
    static std::string header(const std::string& head, const std::string& name) {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) {
            return {};
        }
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }

private:
    bool receive() {
        std::array<char, 65536> piece{};
        const auto size = ::recv(fd_, piece.data(), piece.size(), 0);
        if (size <= 0) {
            closed_ = size == 0 || errno == ECONNRESET;
            return false;
        }
        unread_.append(piece.data(), static_cast<std::size_t>(size));
        return true;
    }

    std::string read_through(std::string_view end) {
        while (unread_.find(end) == std::string::npos) {
            if (!receive()) {
                return {};
            }
        }
        return read_bytes(unread_.find(end) + end.size());
    }

    std::string read_bytes(std::size_t size) {
        while (unread_.size() < size && receive()) {
        }
        auto bytes = unread_.substr(0, size);
        unread_.erase(0, bytes.size());
        return bytes;
    }

    int fd_;
    bool connected_ = false;
    bool closed_ = false;
    std::string unread_{};
};

}  // namespace opslab::testing
