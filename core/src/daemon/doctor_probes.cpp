#include "daemon/doctor_probes.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace opslab::daemon {

namespace {

constexpr std::size_t kMostText = std::size_t{64} << 10U;
constexpr int kSocketMillis = 3000;
constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

/// A descriptor that is closed at the end.
class Held {
public:
    explicit Held(int fd) : fd_(fd) {}
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

std::optional<Address> address_of(const std::string& text, std::uint16_t port) {
    Address address;
    auto* unix_socket = reinterpret_cast<sockaddr_un*>(&address.storage);
    auto* four = reinterpret_cast<sockaddr_in*>(&address.storage);
    auto* six = reinterpret_cast<sockaddr_in6*>(&address.storage);
    if (text.starts_with('/')) {
        if (text.size() >= sizeof unix_socket->sun_path) {
            return std::nullopt;
        }
        unix_socket->sun_family = AF_UNIX;
        std::memcpy(unix_socket->sun_path, text.c_str(), text.size() + 1);
        address.size = sizeof *unix_socket;
        return address;
    }
    const bool bracketed = text.starts_with('[') && text.ends_with(']');
    const auto plain = bracketed ? text.substr(1, text.size() - 2) : text;
    if (::inet_pton(AF_INET, plain.c_str(), &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        address.size = sizeof *four;
        return address;
    }
    if (::inet_pton(AF_INET6, plain.c_str(), &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        address.size = sizeof *six;
        return address;
    }
    return std::nullopt;
}

/// Everything until the other end closes, the limit, or silence.
std::string read_all(int fd, int silence_millis) {
    std::string text;
    std::array<char, 4096> block{};
    pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
    while (text.size() < kMostText && ::poll(&wait, 1, silence_millis) > 0) {
        const auto size = ::read(fd, block.data(), block.size());
        if (size <= 0) {
            break;
        }
        text.append(block.data(), static_cast<std::size_t>(size));
    }
    return text;
}

}  // namespace

std::optional<std::string> ask_socket(
    const std::string& address, std::uint16_t port, std::string_view path
) {
    const auto target = address_of(address, port);
    if (!target) {
        return std::nullopt;
    }
    const Held held(::socket(target->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = kSocketMillis / 1000, .tv_usec = 0};
    ::setsockopt(held.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(held.get(), reinterpret_cast<const sockaddr*>(&target->storage), target->size) !=
        0) {
        return std::nullopt;
    }
    const auto request =
        "GET " + std::string(path) + " HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (::send(held.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        return std::nullopt;
    }
    const auto answer = read_all(held.get(), kSocketMillis);
    const auto body = answer.find("\r\n\r\n");
    const bool good = answer.starts_with("HTTP/1.") && answer.size() > 12 &&
                      answer.substr(9, 3) == "200" && body != std::string::npos;
    return good ? std::optional(answer.substr(body + 4)) : std::nullopt;
}

bool can_listen(const std::string& address, std::uint16_t port, std::string& why) {
    const auto target = address_of(address, port);
    if (!target) {
        why = "it is no numeric address";
        return false;
    }
    const Held held(::socket(target->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    ::setsockopt(held.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(held.get(), reinterpret_cast<const sockaddr*>(&target->storage), target->size) !=
        0) {
        why = std::strerror(errno);
        return false;
    }
    return true;
}

Check check_disk(const std::string& name, const std::string& path) {
    std::error_code none;
    auto folder = std::filesystem::absolute(path, none);
    while (!folder.empty() && !std::filesystem::exists(folder, none) &&
           folder != folder.parent_path()) {
        folder = folder.parent_path();
    }
    struct statvfs status {};
    Check check{.name = name};
    if (::statvfs(folder.c_str(), &status) != 0) {
        check.result = CheckResult::failed;
        check.found = "cannot look at " + folder.string() + ": " + std::strerror(errno);
        check.advice = "make the folder, readable and writable for the service's user";
        return check;
    }
    const double free =
        static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize) / kGib;
    check.found = fmt::format("{:.1f} GiB free at {}", free, folder.string());
    if (free < 1.0) {
        check.result = free < 0.1 ? CheckResult::failed : CheckResult::warning;
        check.advice = "free some space: a full disk stops every write";
    }
    return check;
}

Check check_clock() {
    timex state{};
    const bool synchronised = ::adjtimex(&state) != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    if (synchronised) {
        return {.name = "clock", .found = "synchronised"};
    }
    return {
        .name = "clock",
        .result = CheckResult::warning,
        .found = "not synchronised with a time server",
        .advice =
            "run systemd-timesyncd or chrony (in a container: on its host); times and "
            "deadlines of several hosts must agree"};
}

Check check_open_files(std::uint64_t wanted) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    Check check{
        .name = "open files",
        .found = fmt::format("{} allowed, {} may be needed", limit.rlim_cur, wanted)};
    if (limit.rlim_cur < wanted) {
        check.result = CheckResult::warning;
        check.advice = "raise LimitNOFILE of the service, or lower server.max_connections";
    }
    return check;
}

}  // namespace opslab::daemon
