#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <restinio/all.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>

/// What RESTinio does that `http/restinio_server.cpp` relies on or works around. A test that fails
/// with a newer one says which part of it may go.
namespace opslab {
namespace {

struct Traits : restinio::traits_t<
                    restinio::asio_timer_manager_t,
                    restinio::null_logger_t,
                    restinio::default_request_handler_t,
                    restinio::noop_strand_t> {
    // RESTinio's name  NOLINTNEXTLINE(readability-identifier-naming)
    static constexpr bool use_connection_count_limiter = true;
};

using Library = restinio::http_server_t<Traits>;
using Settings = restinio::server_settings_t<Traits>;
using Request = restinio::request_handle_t;

/// The library as our server has it: one I/O thread over an io_context that is not its own.
class Server {
public:
    explicit Server(
        std::function<restinio::request_handling_status_t(const Request&)> handler,
        const std::function<void(Settings&)>& adjust = [](Settings&) {}
    ) {
        Settings settings;
        settings.address(asio::ip::address_v4::loopback())
            .port(0)
            .max_parallel_connections(100)
            .acceptor_post_bind_hook([this](asio::ip::tcp::acceptor& acceptor) {
                port_ = acceptor.local_endpoint().port();
            })
            .request_handler(std::move(handler));
        adjust(settings);
        library_ =
            std::make_unique<Library>(restinio::external_io_context(io_), std::move(settings));
        library_->open_sync();
        thread_ = std::thread([this] { io_.run(); });
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        work_.reset();
        io_.stop();
        thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

    void on_io(std::function<void()> job) {
        std::promise<void> done;
        asio::post(io_, [&] {
            job();
            done.set_value();
        });
        done.get_future().wait();
    }
    void close() {
        on_io([this] { library_->close_sync(); });
    }

private:
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{asio::make_work_guard(io_)};
    std::unique_ptr<Library> library_{};
    std::uint16_t port_ = 0;
    std::thread thread_{};
};

/// A client that writes and reads bytes. A read that waits for a minute gives up.
class Client {
public:
    explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval minute{60, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof minute);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        // the sockets API wants it so
        is_connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { leave(); }

    [[nodiscard]] bool is_connected() const { return is_connected_; }
    void leave() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
        fd_ = -1;
    }
    void send(const std::string& bytes) const {
        ASSERT_EQ(
            ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size())
        );
    }
    /// What comes until `end` is in it or the other side closes; nothing where it waits in vain.
    [[nodiscard]] std::optional<std::string> read_until(const std::string& end) const {
        std::string text;
        std::array<char, 4096> piece{};
        while (end.empty() || text.find(end) == std::string::npos) {
            const ssize_t got = ::recv(fd_, piece.data(), piece.size(), 0);
            if (got < 0 && errno != ECONNRESET) {
                return std::nullopt;
            }
            if (got <= 0) {
                break;
            }
            text.append(piece.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    [[nodiscard]] std::optional<std::string> read_to_close() const { return read_until(""); }

private:
    int fd_;
    bool is_connected_ = false;
};

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr const char* kOurs = "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n";

void write_ours(const Request& request, bool close, std::function<void(bool)> written = {}) {
    restinio::writable_items_container_t items;
    items.emplace_back(std::string{kOurs});
    restinio::write_group_t group{std::move(items)};
    if (written) {
        group.after_write_notificator([written](const asio::error_code& failure) {
            written(!failure);
        });
    }
    const auto id = request->request_id();
    const auto connection = std::move(restinio::impl::access_req_connection(*request));
    connection->write_response_parts(
        id,
        restinio::response_output_flags_t{
            restinio::response_parts_attr_t::final_parts,
            close ? restinio::response_connection_attr_t::connection_close
                  : restinio::response_connection_attr_t::connection_keepalive},
        std::move(group)
    );
}

restinio::request_handling_status_t answer(const Request& request) {
    return request->create_response().set_body("good").connection_close().done();
}

TEST(RestinioFacts, BytesOfOurOwnGoOutAsTheyAreAndTheConnectionGoesOnOrNot) {
    std::promise<bool> written;
    int requests = 0;
    const Server server{[&](const Request& request) {
        const bool is_last = ++requests == 2;
        write_ours(request, is_last, [&, is_last](bool ok) {
            if (is_last) {
                written.set_value(ok);
            }
        });
        return restinio::request_accepted();
    }};
    const Client client{server.port()};
    client.send(kGet);
    EXPECT_EQ(client.read_until("\r\n\r\n"), kOurs);
    client.send(kGet);
    EXPECT_EQ(client.read_to_close(), kOurs);
    EXPECT_TRUE(written.get_future().get());
}

TEST(RestinioFacts, PortThatIsTakenIsAnExceptionOfTheOpening) {
    const Server first{answer};
    EXPECT_THROW(
        Server(answer, [&](Settings& settings) { settings.port(first.port()); }), std::exception
    );
}

TEST(RestinioFacts, ExceptionOfTheHandlerClosesWithoutAnAnswer) {
    const Server server{[](const Request&) -> restinio::request_handling_status_t {
        throw std::runtime_error("out of a handler");
    }};
    const Client client{server.port()};
    client.send(kGet);
    EXPECT_EQ(client.read_to_close(), "");
}

TEST(RestinioFacts, RequestThatIsDroppedUnansweredClosesWithoutAnAnswer) {
    const Server server{[](const Request&) { return restinio::request_accepted(); }};
    const Client client{server.port()};
    client.send(kGet);
    EXPECT_EQ(client.read_to_close(), "");
}

TEST(RestinioFacts, BodyOverItsLimitClosesWithoutAnAnswer) {
    const Server server{answer, [](Settings& settings) {
                            settings.incoming_http_msg_limits(
                                restinio::incoming_http_msg_limits_t{}.max_body_size(4)
                            );
                        }};
    const Client client{server.port()};
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde");
    EXPECT_EQ(client.read_to_close(), "");
}

TEST(RestinioFacts, ExpectedContinueIsNeverSent) {
    const Server server{answer};
    const Client client{server.port()};
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    client.send("abc");
    const auto told = client.read_to_close();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->rfind("HTTP/1.1 200 OK", 0), 0U) << *told;
}

TEST(RestinioFacts, TimeoutOfARequestCutsAStreamThatIsSilent) {
    using Stream = restinio::response_builder_t<restinio::chunked_output_t>;
    std::optional<Stream> kept;
    Server server{
        [&](const Request& request) {
            kept.emplace(request->create_response<restinio::chunked_output_t>());
            kept->append_chunk("first").flush();
            return restinio::request_accepted();
        },
        [](Settings& settings) { settings.handle_request_timeout(std::chrono::seconds{1}); }};
    const Client client{server.port()};
    client.send(kGet);
    const auto told = client.read_to_close();
    ASSERT_TRUE(told) << "it was not cut";
    EXPECT_NE(told->find("first"), std::string::npos);
    EXPECT_EQ(told->find("\r\n0\r\n"), std::string::npos) << "it ended properly";
    server.on_io([&] { kept.reset(); });
}

TEST(RestinioFacts, ConnectionOverTheLimitWaitsUntilAnotherLeaves) {
    std::atomic<int> requests{0};
    const Server server{
        [&](const Request& request) {
            ++requests;
            return request->create_response().set_body("good").done();
        },
        [](Settings& settings) { settings.max_parallel_connections(1); }};
    Client first{server.port()};
    first.send(kGet);
    ASSERT_TRUE(first.read_until("good"));
    const Client second{server.port()};
    ASSERT_TRUE(second.is_connected());
    second.send(kGet);
    first.send(kGet);
    ASSERT_TRUE(first.read_until("good"));
    EXPECT_EQ(requests.load(), 2) << "the second one was not held";

    first.leave();

    const auto told = second.read_until("good");
    ASSERT_TRUE(told);
    EXPECT_NE(told->find("good"), std::string::npos);
}

TEST(RestinioFacts, RequestsUnderWayAreAnsweredAfterTheClose) {
    std::promise<Request> taken;
    Server server{[&](const Request& request) {
        taken.set_value(request);
        return restinio::request_accepted();
    }};
    const Client client{server.port()};
    client.send(kGet);
    auto request = taken.get_future().get();

    server.close();
    EXPECT_FALSE(Client{server.port()}.is_connected());
    server.on_io([&] { write_ours(std::exchange(request, nullptr), true); });

    EXPECT_EQ(client.read_to_close(), kOurs);
}

}  // namespace
}  // namespace opslab
