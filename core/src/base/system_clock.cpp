#include "base/system_clock.hpp"

#include <sys/random.h>

#include <stdexcept>

namespace opslab {

Timestamp SystemClock::now() const {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady() const {
    return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

void SystemClock::wait_until(
    std::unique_lock<std::mutex>& lock, std::condition_variable& wake, SteadyTime deadline
) {
    if (deadline == SteadyTime::max()) {
        wake.wait(lock);
        return;
    }
    wake.wait_until(lock, std::chrono::steady_clock::time_point(deadline));
}

std::uint64_t SystemEntropy::next() {
    std::uint64_t value = 0;
    if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
        throw std::runtime_error("the kernel gave no random numbers");
    }
    return value;
}

}  // namespace opslab
