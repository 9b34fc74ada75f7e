#pragma once

#include <opslab/docker/engine_address.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace opslab::testing {

/// Stands between a client and a real engine on unix sockets, and can be cut.
class EngineProxy {
public:
    explicit EngineProxy(std::string engine_socket) : engine_socket_(std::move(engine_socket)) {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "opslab-proxy-XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data()) == nullptr ? std::string{} : pattern;
        address_.socket_path = directory_ + "/engine.sock";
        listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un name = name_of(address_.socket_path);
        if (::bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
            ::listen(listener_, 16) != 0) {
            throw std::runtime_error("the proxy cannot listen");
        }
        thread_ = std::thread([this] { serve(); });
    }
    EngineProxy(const EngineProxy&) = delete;
    EngineProxy& operator=(const EngineProxy&) = delete;

    ~EngineProxy() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        cut(0);
        for (Pair& pair : pairs_) {
            pair.up.join();
            pair.down.join();
            ::close(pair.client);
            ::close(pair.engine);
        }
        ::close(listener_);
        std::error_code failed;
        std::filesystem::remove_all(directory_, failed);
    }

    [[nodiscard]] const docker::EngineAddress& address() const { return address_; }

    /// Breaks all connections and the next `refusals` ones, then lets them through again.
    void cut(int refusals) {
        const std::lock_guard lock(mutex_);
        refusals_ = refusals;
        for (const Pair& pair : pairs_) {
            ::shutdown(pair.client, SHUT_RDWR);
            ::shutdown(pair.engine, SHUT_RDWR);
        }
    }

private:
    struct Pair {
        int client = -1;
        int engine = -1;
        std::thread up{};
        std::thread down{};
    };

    [[nodiscard]] static sockaddr_un name_of(const std::string& path) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        if (path.size() >= sizeof name.sun_path) {
            throw std::runtime_error("the socket's path is too long");
        }
        std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
        return name;
    }

    void serve() {
        for (;;) {
            const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) {
                return;
            }
            const std::lock_guard lock(mutex_);
            const int engine = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            const sockaddr_un name = name_of(engine_socket_);
            if (refusals_ > 0 ||
                ::connect(engine, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
                --refusals_;
                ::close(client);
                ::close(engine);
                continue;
            }
            pairs_.push_back(Pair{client, engine, {}, {}});
            pairs_.back().up = std::thread([client, engine] { pump(client, engine); });
            pairs_.back().down = std::thread([client, engine] { pump(engine, client); });
        }
    }

    static void pump(int from, int to) {
        std::array<char, 16384> piece{};
        for (;;) {
            const auto got = ::recv(from, piece.data(), piece.size(), 0);
            if (got <= 0) {
                break;
            }
            std::size_t sent = 0;
            const auto size = static_cast<std::size_t>(got);
            while (sent < size) {
                const auto put = ::send(to, piece.data() + sent, size - sent, MSG_NOSIGNAL);
                if (put <= 0) {
                    break;
                }
                sent += static_cast<std::size_t>(put);
            }
        }
        ::shutdown(from, SHUT_RDWR);
        ::shutdown(to, SHUT_RDWR);
    }

    std::string engine_socket_;
    std::string directory_{};
    docker::EngineAddress address_{};
    int listener_ = -1;
    std::thread thread_{};
    std::mutex mutex_{};
    // all below guarded by mutex_
    std::list<Pair> pairs_{};
    int refusals_ = 0;
};

}  // namespace opslab::testing
