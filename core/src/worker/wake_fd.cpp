#include "worker/wake_fd.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>

namespace opslab {

namespace {

// a time of 0 would disarm the timer
constexpr Duration kEarliest{1};

void arm(int timer, SteadyTime when) noexcept {
    const auto since_boot = std::max(when.time_since_epoch(), kEarliest);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    const itimerspec at{
        .it_interval = {},
        .it_value = {
            .tv_sec = static_cast<std::time_t>(seconds.count()),
            .tv_nsec = static_cast<long>(std::chrono::nanoseconds(since_boot - seconds).count())}};
    // fails only for a time that is none
    [[maybe_unused]] const int armed = ::timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, nullptr);
}

}  // namespace

WakeFd::WakeFd() : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "timerfd_create");
    }
}

WakeFd::~WakeFd() {
    ::close(fd_);
}

void WakeFd::set() noexcept {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    arm(fd_, SteadyTime{kEarliest});
}

void WakeFd::set_at(SteadyTime when) noexcept {
    const std::lock_guard lock(mutex_);
    if (!is_set_) {
        arm(fd_, when);
    }
}

}  // namespace opslab
