#pragma once

#include <cstddef>
#include <string_view>

struct sockaddr;

namespace opslab {

/// Why a callback may not be sent to this address: a short reason for people (`loopback`,
/// `private`, …). Empty where the address is on the public internet. What carries an IPv4 address
/// inside an IPv6 one (mapped, NAT64) is judged by the IPv4 address; other tunnels and whatever is
/// neither IPv4 nor IPv6 are refused.
[[nodiscard]] std::string_view why_not_public(const sockaddr* address, std::size_t size);

}  // namespace opslab
