#pragma once

#include <opslab/time.hpp>

#include <mutex>

namespace opslab {

/// A descriptor that becomes readable: how the host interrupts a runner's call. Threads: any.
class WakeFd {
public:
    /// Throws `std::system_error` where the process has no descriptor left.
    WakeFd();
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;
    ~WakeFd();

    /// Now, once and for good.
    void set() noexcept;

    /// When the machine's monotonic clock shows `when`, instead of any time that was given before;
    /// nothing where it is set already. The kernel does it: a process that stood still finds it
    /// readable as soon as it goes on.
    void set_at(SteadyTime when) noexcept;

    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
    std::mutex mutex_{};
    bool is_set_ = false;  // guarded by mutex_
};

}  // namespace opslab
