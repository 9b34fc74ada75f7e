#pragma once

#include "http/inbound_guard.hpp"
#include "http/peer_watch.hpp"
#include "http/wire.hpp"

#include <asio.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

/// A TCP socket that lets the server's parser see only what it can digest. For
/// `restinio_server.cpp` alone: RESTinio takes the socket's type as a parameter, and this is how
/// limits and bad syntax get an answer instead of a closed connection. I/O thread only.
namespace opslab {

/// What all sockets of one io_context share.
class GuardService : public asio::execution_context::service {
public:
    using key_type = GuardService;
    inline static asio::execution_context::id id{};

    explicit GuardService(asio::execution_context& context)
        : asio::execution_context::service(context) {}

    InboundLimits limits{};
    std::size_t max_bodies_total = 0;
    /// Makes the answer to a request that never became one.
    std::function<std::string(InboundFault, std::string remote_address)> answer{};

    std::size_t bodies = 0;
    int lingering = 0;
    std::shared_ptr<PeerWatch> peer{};  ///< of the connection whose request is handed on just now

    /// Ends what all connections wait for. They hold on to parts of the server, so they must go
    /// before it, and not with the io_context.
    void close_all() {
        for (auto* socket : std::exchange(reading_, {})) {
            asio::error_code ignored;
            socket->close(ignored);
        }
    }
    void add(asio::ip::tcp::socket& socket) { reading_.insert(&socket); }
    void remove(asio::ip::tcp::socket& socket) { reading_.erase(&socket); }

private:
    void shutdown() override {}

    std::unordered_set<asio::ip::tcp::socket*> reading_{};  // from their first read on
};

/// Reads away what a client still sends after its error answer: closing with unread bytes would
/// reset the connection and destroy the answer on its way. Bounded in time.
class Linger : public std::enable_shared_from_this<Linger> {
public:
    static constexpr int kMax = 256;

    Linger(asio::ip::tcp::socket socket, GuardService& service)
        : socket_(std::move(socket)), timer_(socket_.get_executor()), service_(service) {
        ++service_.lingering;
    }
    Linger(const Linger&) = delete;
    Linger& operator=(const Linger&) = delete;
    ~Linger() { --service_.lingering; }

    void start() {
        timer_.expires_after(std::chrono::seconds(10));
        timer_.async_wait([self = shared_from_this()](const asio::error_code&) {
            asio::error_code ignored;
            self->socket_.close(ignored);
        });
        read();
    }

private:
    void read() {
        socket_.async_read_some(
            asio::buffer(scrap_),
            [self = shared_from_this()](const asio::error_code& failure, std::size_t) {
                if (failure) {
                    self->timer_.cancel();
                } else {
                    self->read();
                }
            }
        );
    }

    asio::ip::tcp::socket socket_;
    asio::steady_timer timer_;
    GuardService& service_;
    std::array<char, 16384> scrap_{};
};

class GuardedSocket : public asio::ip::tcp::socket {
    using Base = asio::ip::tcp::socket;

public:
    explicit GuardedSocket(asio::io_context& context)
        : Base(context), service_(&asio::use_service<GuardService>(context)) {}
    GuardedSocket(GuardedSocket&&) noexcept = default;
    GuardedSocket& operator=(GuardedSocket&&) = delete;
    GuardedSocket(const GuardedSocket&) = delete;
    GuardedSocket& operator=(const GuardedSocket&) = delete;
    ~GuardedSocket() {
        if (state_) {
            service_->bodies -= state_->held;
            state_->peer->detach();
            service_->remove(*this);
        }
    }

    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        const asio::mutable_buffer buffer = *asio::buffer_sequence_begin(buffers);
        if (!state_) {
            state_ = std::make_unique<State>(service_->limits, static_cast<Base&>(*this));
            service_->add(*this);
        }
        if (!state_->guard.in_message()) {
            service_->bodies -= std::exchange(state_->held, 0);
        }
        if (!state_->stash.empty()) {
            const auto size = std::min(state_->stash.size(), buffer.size());
            std::copy_n(state_->stash.data(), size, static_cast<char*>(buffer.data()));
            state_->stash.erase(0, size);
            asio::post(
                get_executor(),
                [this, buffer, size, done = std::forward<Handler>(handler)]() mutable {
                    inspect(buffer, size, std::move(done));
                }
            );
            return;
        }
        Base::async_read_some(
            buffer,
            [this, buffer, done = std::forward<Handler>(handler)](
                const asio::error_code& failure, std::size_t size
            ) mutable {
                if (failure) {
                    state_->peer_gone = true;
                    done(failure, 0);
                } else {
                    inspect(buffer, size, std::move(done));
                }
            }
        );
    }

    void shutdown(asio::ip::tcp::socket::shutdown_type what, asio::error_code& failure) {
        if (state_ && state_->answered) {
            Base::shutdown(asio::ip::tcp::socket::shutdown_send, failure);
            return;
        }
        if (state_ && state_->guard.in_message() && !state_->peer_gone && !state_->refused) {
            tell_time_out();
        }
        Base::shutdown(what, failure);
    }

    void close() {
        if (state_) {
            state_->peer->detach();
        }
        if (state_ && state_->answered && is_open() && service_->lingering < Linger::kMax) {
            std::make_shared<Linger>(std::move(static_cast<Base&>(*this)), *service_)->start();
            return;
        }
        Base::close();
    }

private:
    struct State {
        State(const InboundLimits& limits, asio::ip::tcp::socket& socket)
            : guard(limits), peer(std::make_shared<PeerWatch>(socket)) {}

        InboundGuard guard;
        std::shared_ptr<PeerWatch> peer;
        std::string stash{};   ///< bytes of the messages after the current one
        std::string reply{};   ///< what is being written here
        std::size_t held = 0;  ///< this connection's part of `bodies`
        bool peer_gone = false;
        bool refused = false;   ///< a fault was found
        bool answered = false;  ///< and its answer is written
    };

    template <class Handler>
    void inspect(asio::mutable_buffer buffer, std::size_t size, Handler&& done) {
        auto* data = static_cast<char*>(buffer.data());
        auto verdict = state_->guard.inspect(data, size);
        if (!verdict.fault && over_budget()) {
            verdict.fault = InboundFault{
                .error = {.code = Errc::exhausted, .message = "too many request bodies at once"}};
        }
        if (verdict.fault) {
            refuse(std::move(*verdict.fault), std::forward<Handler>(done));
            return;
        }
        state_->stash.insert(0, data + verdict.accepted, size - verdict.accepted);
        if (!verdict.wants_continue) {
            // `done` may end this socket
            auto& service = *service_;
            service.peer = state_->peer;
            done(asio::error_code{}, verdict.accepted);
            service.peer = nullptr;
            return;
        }
        // Nothing else is being written: with one request at a time the server reads only then.
        asio::async_write(
            static_cast<Base&>(*this),
            asio::buffer(wire::kContinue.data(), wire::kContinue.size()),
            [accepted = verdict.accepted, done = std::forward<Handler>(done)](
                const asio::error_code& failure, std::size_t
            ) mutable { done(failure, failure ? 0 : accepted); }
        );
    }

    template <class Handler>
    void refuse(InboundFault fault, Handler&& done) {
        asio::error_code ignored;
        state_->refused = true;
        state_->reply =
            service_->answer(std::move(fault), remote_endpoint(ignored).address().to_string());
        asio::async_write(
            static_cast<Base&>(*this),
            asio::buffer(state_->reply),
            [this, done = std::forward<Handler>(done)](
                const asio::error_code& failure, std::size_t
            ) mutable {
                state_->answered = !failure;
                done(asio::error::eof, 0);
            }
        );
    }

    bool over_budget() {
        const auto now = state_->guard.body_bytes();
        service_->bodies += now - state_->held;
        state_->held = now;
        return service_->bodies > service_->max_bodies_total;
    }

    /// The server gave up on a request that came too slowly: say so if the line takes it at once.
    void tell_time_out() {
        asio::error_code ignored;
        InboundFault fault;
        fault.error = {.code = Errc::timeout, .message = "the request came too slowly"};
        fault.error.reason = "request_timeout";
        const auto reply =
            service_->answer(std::move(fault), remote_endpoint(ignored).address().to_string());
        Base::non_blocking(true, ignored);
        Base::write_some(asio::buffer(reply), ignored);
    }

    GuardService* service_;
    std::unique_ptr<State> state_{};
};

}  // namespace opslab
