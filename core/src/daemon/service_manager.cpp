#include "daemon/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace opslab::daemon {

void tell_service_manager(std::string_view state) noexcept {
    const char* named = std::getenv("NOTIFY_SOCKET");
    if (named == nullptr || (named[0] != '/' && named[0] != '@')) {
        return;
    }
    const std::string_view path{named};
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        return;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') {
        address.sun_path[0] = '\0';  // Linux' abstract names
    }
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    ::sendto(
        fd,
        state.data(),
        state.size(),
        MSG_NOSIGNAL,
        reinterpret_cast<const sockaddr*>(&address),
        size
    );
    ::close(fd);
}

namespace {

// the first before systemd's own 90 s are over, and each before the one before it is
constexpr Duration kAskAgain = std::chrono::seconds{20};
constexpr std::string_view kMoreTime = "EXTEND_TIMEOUT_USEC=60000000";

}  // namespace

LongStart::LongStart(Clock& clock)
    : clock_(clock), thread_([this] {
          std::unique_lock lock(mutex_);
          auto next = clock_.steady() + kAskAgain;
          while (!is_over_) {
              clock_.wait_until(lock, over_, next);
              if (!is_over_ && clock_.steady() >= next) {
                  tell_service_manager(kMoreTime);
                  next += kAskAgain;
              }
          }
      }) {}

LongStart::~LongStart() {
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
        over_.notify_all();
    }
    thread_.join();
}

}  // namespace opslab::daemon
