#include "patience.hpp"

#include <poll.h>

#include <algorithm>

namespace opslab::docker {

bool is_worth_a_retry(const EngineError& error) {
    return error.code == EngineErrc::away || error.code == EngineErrc::timeout ||
           error.code == EngineErrc::fault ||
           error.code == EngineErrc::conflict;  // being removed: the next look finds it gone
}

Patience::Answer Patience::pause(Interrupt interrupt) {
    constexpr std::chrono::milliseconds kLongest{3000};
    if (left_.count() <= 0) {
        return Answer::used_up;
    }
    const auto length = std::min(next_, left_);
    left_ -= length;
    next_ = std::min(next_ * 2, kLongest);
    pollfd entry{interrupt.fd, POLLIN, 0};  // a negative descriptor is ignored
    const int ready = ::poll(&entry, 1, static_cast<int>(length.count()));
    return ready > 0 ? Answer::interrupted : Answer::try_again;
}

}  // namespace opslab::docker
