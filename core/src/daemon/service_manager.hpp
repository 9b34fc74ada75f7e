#pragma once

#include <string_view>

namespace opslab::daemon {

/// Tells the service manager that started this process how it stands: `READY=1`, `STOPPING=1`
/// (systemd's protocol: a datagram to $NOTIFY_SOCKET). Does nothing where there is none, and never
/// fails: the service is as good without.
void tell_service_manager(std::string_view state) noexcept;

}  // namespace opslab::daemon
