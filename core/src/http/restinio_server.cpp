#include "http/exchange.hpp"
#include "http/executor.hpp"
#include "http/guarded_socket.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"
#include "http/server_host.hpp"

#include <pthread.h>
#include <restinio/all.hpp>

#include <future>
#include <thread>
#include <utility>

/// The only file that knows RESTinio. One I/O thread owns the library and all of its objects;
/// handlers run on the executor, and every answer comes back over `run_on_io`.
namespace opslab {

namespace {

struct Traits : restinio::traits_t<
                    restinio::asio_timer_manager_t,
                    restinio::null_logger_t,
                    restinio::default_request_handler_t,
                    restinio::noop_strand_t,
                    GuardedSocket> {
    // RESTinio's name  NOLINTNEXTLINE(readability-identifier-naming)
    static constexpr bool use_connection_count_limiter = true;
};

using Library = restinio::http_server_t<Traits>;
using LibraryConnection = restinio::impl::connection_handle_t;

/// Writes our own bytes through the library's connection: its response builders cannot leave out a
/// length (204) or tell one without a body (HEAD).
class RestinioLine final : public ClientLine {
public:
    RestinioLine(
        asio::io_context& io,
        Clock& clock,
        LibraryConnection connection,
        restinio::request_id_t id,
        std::shared_ptr<PeerWatch> peer
    )
        : clock_(clock),
          connection_(std::move(connection)),
          id_(id),
          timer_(io),
          peer_(std::move(peer)) {}
    ~RestinioLine() override {
        if (peer_) {
            peer_->forget();
        }
    }

    void write(
        std::string bytes, Part part, wire::Connection after, std::function<void(bool)> written
    ) override {
        restinio::writable_items_container_t items;
        if (!bytes.empty()) {
            items.emplace_back(std::move(bytes));
        }
        restinio::write_group_t group{std::move(items)};
        group.after_write_notificator([written = std::move(written)](const asio::error_code& failure
                                      ) { written(!failure); });
        // kept here: `written` may destroy this line
        const auto connection = connection_;
        connection->write_response_parts(
            id_,
            restinio::response_output_flags_t{
                part == Part::last ? restinio::response_parts_attr_t::final_parts
                                   : restinio::response_parts_attr_t::not_final_parts,
                after == wire::Connection::close
                    ? restinio::response_connection_attr_t::connection_close
                    : restinio::response_connection_attr_t::connection_keepalive},
            std::move(group)
        );
    }

    void wake_at(SteadyTime at, std::function<void()> due) override {
        timer_.expires_after(std::max(at - clock_.steady(), Duration::zero()));
        timer_.async_wait([due = std::move(due)](const asio::error_code& failure) {
            if (!failure) {
                due();
            }
        });
    }

    void cancel_wake() override { timer_.cancel(); }

    void when_gone(std::function<void()> told) override {
        if (peer_) {
            peer_->watch(std::move(told));
        }
    }

private:
    Clock& clock_;
    LibraryConnection connection_;
    restinio::request_id_t id_;
    asio::steady_timer timer_;
    std::shared_ptr<PeerWatch> peer_;
};

/// Catches an answer as bytes, for requests that the guard refuses.
class WireSink final : public ResponseSink {
public:
    WireSink(std::string& bytes, HttpMethod method) : bytes_(bytes), method_(method) {}

    void respond(HttpResponse response) noexcept override {
        bytes_ = wire::response(response, method_, wire::Connection::close);
    }
    void stream(StreamHead, std::unique_ptr<StreamSource>) noexcept override {}

private:
    std::string& bytes_;
    HttpMethod method_;
};

class RestinioServer final : public HttpServer {
public:
    RestinioServer(ServerSettings settings, Dispatcher& dispatcher, Clock& clock, Logger& logger)
        : settings_(std::move(settings)),
          dispatcher_(&dispatcher),
          clock_(clock),
          logger_(logger),
          work_(asio::make_work_guard(io_)),
          ticker_(io_),
          executor_(
              std::max<std::size_t>(settings_.executor_threads, 1), settings_.executor_queue, logger
          ),
          host_(std::make_shared<ServerHost>(io_, executor_, clock, logger, settings_)) {}

    ~RestinioServer() override { stop(std::chrono::milliseconds(0)); }

    [[nodiscard]] Status open() {
        asio::error_code failure;
        const auto& text = settings_.address;
        const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
        const auto address =
            asio::ip::make_address(bracketed ? text.substr(1, text.size() - 2) : text, failure);
        if (failure) {
            return fail(
                Errc::invalid_argument, "listen address \"" + text + "\" is no numeric IP address"
            );
        }
        set_up_guard();
        try {
            library_ = std::make_unique<Library>(
                restinio::external_io_context(io_), library_settings(address)
            );
            library_->open_sync();
        } catch (const std::exception& error) {
            library_.reset();
            return fail(
                Errc::unavailable,
                "cannot listen on " + shown(text, settings_.port) + ": " + error.what() +
                    "; choose another address, or end what has this one (ss -ltnp names it)"
            );
        }
        thread_ = std::jthread([this] { serve(); });
        pthread_setname_np(thread_.native_handle(), "http-io");
        return {};
    }

    [[nodiscard]] std::string bound_address() const override {
        return shown(settings_.address, port_);
    }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    void hand_over(Dispatcher& to) override {
        on_io([&] { dispatcher_ = &to; });
    }

    void stop(std::chrono::milliseconds grace) override {
        if (stopped_ || !library_) {
            return;
        }
        stopped_ = true;
        const auto deadline = clock_.steady() + grace;
        on_io([this] {
            library_->close_sync();
            host_->begin_drain();
        });
        host_->wait_idle(deadline);
        executor_.stop();
        on_io([this] {
            ticker_.cancel();
            host_->abandon_all();
            asio::use_service<GuardService>(io_).close_all();
        });
        // behind what that has ended, and what this ends in its turn
        on_io([] {});
        on_io([] {});
        host_->close();
        work_.reset();
        io_.stop();
        thread_.join();
    }

    [[nodiscard]] Load load() const override {
        return {
            .requests = host_->requests(),
            .streams = host_->streams(),
            .queued = executor_.queued()};
    }

private:
    static std::string shown(const std::string& address, std::uint16_t port) {
        const bool bare_v6 = address.find(':') != std::string::npos && address.front() != '[';
        return (bare_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
    }

    void set_up_guard() {
        auto& service = asio::use_service<GuardService>(io_);
        service.limits = {
            .max_body = settings_.max_body,
            .max_url = settings_.max_url,
            .max_headers = settings_.max_headers,
            .max_header_fields = settings_.max_header_fields};
        service.max_bodies_total = settings_.max_bodies_total;
        service.answer = [this](InboundFault fault, std::string remote) {
            std::string bytes;
            const auto method = fault.known.method;
            fault.known.remote_address = std::move(remote);
            dispatcher_->reject(
                std::move(fault.known), fault.error, std::make_unique<WireSink>(bytes, method)
            );
            return bytes;
        };
        // the parser's own limit is one for the process and must not come before ours
        constexpr std::size_t kParserDefault = 80 * 1024;
        constexpr std::size_t kRoom = 16 * 1024;
        http_parser_set_max_header_size(static_cast<std::uint32_t>(
            std::max(kParserDefault, settings_.max_url + settings_.max_headers + kRoom)
        ));
    }

    restinio::server_settings_t<Traits> library_settings(const asio::ip::address& address) {
        // Its own request time-out would cut silent streams and closes without a word; ours covers
        // every request. Its message limits stay off: the guard has them all.
        constexpr std::chrono::hours kNever{24 * 365};
        constexpr std::size_t kReadBuffer = 8192;
        restinio::server_settings_t<Traits> library;
        library.address(address)
            .port(settings_.port)
            .protocol(address.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4())
            .buffer_size(kReadBuffer)
            .max_pipelined_requests(1)
            .max_parallel_connections(settings_.max_connections)
            .read_next_http_message_timelimit(settings_.read_timeout)
            .write_http_response_timelimit(settings_.write_timeout)
            .handle_request_timeout(kNever)
            .socket_options_setter([](auto& options) {
                options.set_option(asio::ip::tcp::no_delay(true));
            })
            .acceptor_post_bind_hook([this](asio::ip::tcp::acceptor& acceptor) {
                port_ = acceptor.local_endpoint().port();
            })
            .request_handler([this](const restinio::request_handle_t& request) {
                accept(*request);
                return restinio::request_accepted();
            });
        return library;
    }

    /// Copies the library's request and hands it on. I/O thread; never throws for what a client
    /// sent.
    void accept(restinio::request_t& from) {
        HttpRequest request;
        request.method_name = from.header().method().c_str();
        request.method = http_method_from(request.method_name);
        request.target = from.header().request_target();
        from.header().for_each_field([&](const auto& field) {
            request.headers.add(field.name(), field.value());
        });
        request.body = from.body();
        request.remote_address = from.remote_endpoint().address().to_string();
        auto exchange = std::make_shared<Exchange>(
            host_,
            Exchange::Origin{
                .method = request.method, .keep_alive = from.header().should_keep_alive()},
            std::make_unique<RestinioLine>(
                io_,
                clock_,
                std::move(restinio::impl::access_req_connection(from)),
                from.request_id(),
                asio::use_service<GuardService>(io_).peer
            )
        );
        host_->add(exchange);
        route(exchange, dispatcher_->prepare(std::move(request), exchange->sink()));
    }

    void route(
        const std::shared_ptr<Exchange>& exchange, std::unique_ptr<Dispatcher::Call> prepared
    ) {
        if (!prepared) {
            return;
        }
        exchange->set_request_id(prepared->request_id());
        if (prepared->placement() == Placement::io) {
            prepared->run();
            return;
        }
        // shared because std::function copies; there is one owner at a time
        const std::shared_ptr<Dispatcher::Call> call = std::move(prepared);
        BoundedExecutor::Job job = [call] { call->run(); };
        if (!executor_.post(job)) {
            call->refuse(Error{.code = Errc::exhausted, .message = "the server is busy"});
        }
    }

    void serve() {
        host_->set_io_thread(std::this_thread::get_id());
        tick();
        while (!io_.stopped()) {
            try {
                io_.run();
            } catch (const std::exception& error) {
                log(logger_, LogLevel::error, "HTTP I/O threw", {{"what", error.what()}});
            }
        }
    }

    void tick() {
        if (const int expired = host_->expire_due(); expired > 0) {
            log(logger_,
                LogLevel::warning,
                "requests passed their deadline",
                {{"count", std::to_string(expired)}});
        }
        ticker_.expires_after(std::chrono::milliseconds(250));
        ticker_.async_wait([this](const asio::error_code& failure) {
            if (!failure) {
                tick();
            }
        });
    }

    /// Runs `job` on the I/O thread and waits for it.
    void on_io(const std::function<void()>& job) {
        std::promise<void> done;
        asio::post(io_, [&] {
            job();
            done.set_value();
        });
        done.get_future().wait();
    }

    const ServerSettings settings_;
    Dispatcher* dispatcher_;  // I/O thread
    Clock& clock_;
    Logger& logger_;
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer ticker_;
    BoundedExecutor executor_;
    std::shared_ptr<ServerHost> host_;
    std::unique_ptr<Library> library_{};
    std::uint16_t port_ = 0;
    bool stopped_ = false;
    std::jthread thread_{};
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(
    ServerSettings settings, Dispatcher& dispatcher, Clock& clock, Logger& logger
) {
    auto server = std::make_unique<RestinioServer>(std::move(settings), dispatcher, clock, logger);
    if (auto status = server->open(); !status) {
        return fail(std::move(status.error()));
    }
    return server;
}

}  // namespace opslab
