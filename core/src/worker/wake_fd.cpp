#include "worker/wake_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace opslab {

WakeFd::WakeFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

WakeFd::~WakeFd() {
    ::close(fd_);
}

void WakeFd::set() noexcept {
    const std::uint64_t one = 1;
    // fails only where the counter is full, and then it is readable already
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

}  // namespace opslab
