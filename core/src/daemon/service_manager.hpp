#pragma once

#include <opslab/time.hpp>

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

namespace opslab::daemon {

/// Tells the service manager that started this process how it stands: `READY=1`, `STOPPING=1`
/// (systemd's protocol: a datagram to $NOTIFY_SOCKET). Does nothing where there is none, and never
/// fails: the service is as good without.
void tell_service_manager(std::string_view state) noexcept;

/// While it lives, the service manager gives the start more time: a migration of a large database
/// takes minutes, and must not be killed again and again.
class LongStart {
public:
    explicit LongStart(Clock& clock);
    LongStart(const LongStart&) = delete;
    LongStart& operator=(const LongStart&) = delete;
    ~LongStart();

private:
    Clock& clock_;
    std::mutex mutex_{};
    std::condition_variable over_{};
    bool is_over_ = false;
    std::thread thread_;  // last: it uses everything above
};

}  // namespace opslab::daemon
