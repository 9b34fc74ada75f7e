#pragma once

namespace opslab {

/// A descriptor that becomes readable, once and for good: how the host interrupts a runner's call.
class WakeFd {
public:
    /// Throws `std::system_error` where the process has no descriptor left.
    WakeFd();
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;
    ~WakeFd();

    void set() noexcept;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace opslab
