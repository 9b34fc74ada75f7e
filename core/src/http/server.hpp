#pragma once

#include "http/dispatcher.hpp"

#include <opslab/error.hpp>
#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace opslab {

/// Every limit of the server; bytes unless the name says otherwise.
struct ServerSettings {
    std::string address{"127.0.0.1"};  ///< numeric, IPv4 or IPv6 (`::1`, `[::1]`)
    std::uint16_t port = 8000;         ///< 0: a free one

    std::size_t max_body = std::size_t{8} * 1024 * 1024;  ///< beyond: 413
    std::size_t max_bodies_total =
        std::size_t{512} * 1024 * 1024;                ///< all held at once; beyond: 503
    std::size_t max_url = std::size_t{8} * 1024;       ///< beyond: 414
    std::size_t max_headers = std::size_t{64} * 1024;  ///< beyond: 431
    std::size_t max_header_fields = 256;               ///< beyond: 431
    std::size_t max_connections = 4096;                ///< beyond: clients wait in the backlog
    std::size_t max_streams = 1024;                    ///< beyond: 503

    std::size_t executor_threads = 8;
    std::size_t executor_queue = 1024;  ///< waiting requests; beyond: 503 at once

    std::chrono::seconds request_deadline{60};  ///< from the request's end to its answer; then 503
    std::chrono::seconds read_timeout{30};      ///< a whole request, and an idle connection
    std::chrono::seconds write_timeout{60};     ///< one chunk or answer to a slow client
};

/// The listening server. Threads: its own; `stop` from one thread. The dispatcher and whatever its
/// handlers use outlive it.
class HttpServer {
public:
    HttpServer() = default;
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    /// Stops without grace.
    virtual ~HttpServer() = default;

    /// Listens and serves. `unavailable` where the address cannot be bound (its message names it),
    /// `invalid_argument` where it is none.
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(
        ServerSettings settings, Dispatcher& dispatcher, Clock& clock, Logger& logger
    );

    /// Where it listens, with the real port: `127.0.0.1:8000`, `[::1]:8000`.
    [[nodiscard]] virtual std::string bound_address() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;

    /// From now on requests go to `to`. Those under way end where they began, so both outlive it.
    virtual void hand_over(Dispatcher& to) = 0;

    /// Takes no further connection, ends streams, lets requests under way be answered for up to
    /// `grace`, then stops whatever is left. Returns when all threads are joined. Idempotent.
    /// A handler that never returns holds it up: handlers are bounded by contract.
    virtual void stop(std::chrono::milliseconds grace) = 0;

    /// Gauges for the metrics: requests under way (streams included), streams, queued requests.
    struct Load {
        std::size_t requests = 0;
        std::size_t streams = 0;
        std::size_t queued = 0;
    };
    [[nodiscard]] virtual Load load() const = 0;
};

}  // namespace opslab
