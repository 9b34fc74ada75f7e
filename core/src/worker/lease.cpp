#include "worker/lease.hpp"

#include <algorithm>

namespace opslab {

namespace {

constexpr Duration kShortestPause = std::chrono::milliseconds{100};
constexpr Duration kLongestPause = std::chrono::seconds{10};

}  // namespace

SteadyTime Lease::part(int twelfths) const {
    const std::lock_guard lock(mutex_);
    return part_unlocked(twelfths);
}

void Lease::renewed(SteadyTime asked, Duration length) {
    const std::lock_guard lock(mutex_);
    if (length > Duration{0}) {
        length_ = length;
    }
    asked_ = std::max(asked_, asked);
    set_alarm();
    // not at each of many reports: the guard may be told a little less than there is
    if (in_force_ && notes_ != nullptr && lapses_ && guard_at() - noted_until_ > length_ / 48) {
        noted_until_ = guard_at();
        // the file is there and takes no more room; if it fails the run ends early, which is safe
        static_cast<void>(notes_->note(run_id_, noted_until_));
    }
}

void Lease::set_alarm() {
    // a test's clock is none that the kernel knows
    if (start_until_ != nullptr && in_force_ && lapses_ && clock_.is_system()) {
        start_until_->set_at(part_unlocked(9));
    }
}

Status Lease::begin() {
    const std::lock_guard lock(mutex_);
    in_force_ = true;
    set_alarm();
    noted_until_ = guard_at();
    return notes_ != nullptr && lapses_ ? notes_->note(run_id_, noted_until_) : Status{};
}

void Lease::take_over() {
    const std::lock_guard lock(mutex_);
    in_force_ = true;
}

SteadyTime Lease::look_at() const {
    const std::lock_guard lock(mutex_);
    return in_force_ || !lapses_ ? part_unlocked(9) : clock_.steady() + length_ / 12;
}

Duration Lease::longest_pause() const {
    const std::lock_guard lock(mutex_);
    return lapses_ ? std::clamp<Duration>(length_ / 12, kShortestPause, kLongestPause)
                   : kLongestPause;
}

void Lease::forget() {
    const std::lock_guard lock(mutex_);
    in_force_ = false;
    if (notes_ != nullptr) {
        notes_->forget(run_id_);
    }
}

}  // namespace opslab
