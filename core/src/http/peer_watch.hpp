#pragma once

#include <asio.hpp>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <utility>

/// Sees a client close its side while its request is being answered: the server does not read then.
/// One for each connection. For `guarded_socket.hpp` alone. I/O thread only.
namespace opslab {

class PeerWatch : public std::enable_shared_from_this<PeerWatch> {
public:
    explicit PeerWatch(asio::ip::tcp::socket& socket) : socket_(&socket) {}

    /// `gone` is called once the client has closed its side, until `forget`.
    void watch(std::function<void()> gone) {
        gone_ = std::move(gone);
        if (!waiting_ && socket_ != nullptr) {
            wait();
        }
    }
    void forget() { gone_ = nullptr; }

    /// The socket is about to end.
    void detach() {
        socket_ = nullptr;
        gone_ = nullptr;
    }

private:
    // One wait may outlast its request, and then serves the next: ending it would end the server's
    // own reads and writes too.
    void wait() {
        waiting_ = true;
        socket_->async_wait(
            asio::ip::tcp::socket::wait_read,
            [self = shared_from_this()](const asio::error_code& failure) {
                self->waiting_ = false;
                if (!failure && self->gone_ && self->socket_ != nullptr && self->has_closed()) {
                    std::exchange(self->gone_, nullptr)();
                }
            }
        );
    }

    [[nodiscard]] bool has_closed() const {
        char next = 0;
        const auto got = ::recv(socket_->native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
        return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    }

    asio::ip::tcp::socket* socket_;
    std::function<void()> gone_{};
    bool waiting_ = false;
};

}  // namespace opslab
