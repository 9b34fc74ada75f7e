#include "callback/address_rules.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace opslab {

namespace {

struct Range4 {
    std::uint32_t first;
    int bits;
    std::string_view why;
};

constexpr std::uint32_t ip4(unsigned a, unsigned b, unsigned c, unsigned d) {
    return (a << 24U) | (b << 16U) | (c << 8U) | d;
}

// The IANA registry of special-purpose IPv4 addresses (RFC 6890 and its successors).
constexpr std::array kNotPublic4{
    Range4{ip4(0, 0, 0, 0), 8, "unspecified"},
    Range4{ip4(10, 0, 0, 0), 8, "private"},
    Range4{ip4(100, 64, 0, 0), 10, "private (carrier-grade NAT)"},
    Range4{ip4(127, 0, 0, 0), 8, "loopback"},
    Range4{ip4(169, 254, 0, 0), 16, "link-local"},
    Range4{ip4(172, 16, 0, 0), 12, "private"},
    Range4{ip4(192, 0, 0, 0), 24, "reserved"},
    Range4{ip4(192, 0, 2, 0), 24, "reserved for documentation"},
    Range4{ip4(192, 88, 99, 0), 24, "reserved"},
    Range4{ip4(192, 168, 0, 0), 16, "private"},
    Range4{ip4(198, 18, 0, 0), 15, "reserved for benchmarks"},
    Range4{ip4(198, 51, 100, 0), 24, "reserved for documentation"},
    Range4{ip4(203, 0, 113, 0), 24, "reserved for documentation"},
    Range4{ip4(224, 0, 0, 0), 4, "multicast"},
    Range4{ip4(240, 0, 0, 0), 4, "reserved"},
};

using Bytes6 = std::array<std::uint8_t, 16>;

struct Range6 {
    Bytes6 first;
    int bits;
    std::string_view why;
};

// Those outside 2000::/3 are told apart only for the reason; nothing else outside it is public.
constexpr std::array kNotPublic6{
    Range6{{0xfc}, 7, "private (unique local)"},
    Range6{{0xfe, 0x80}, 10, "link-local"},
    Range6{{0xfe, 0xc0}, 10, "private (site-local)"},
    Range6{{0xff}, 8, "multicast"},
    Range6{{0x20, 0x01}, 23, "reserved (tunnels and tests)"},
    Range6{{0x20, 0x01, 0x0d, 0xb8}, 32, "reserved for documentation"},
    Range6{{0x20, 0x02}, 16, "reserved (6to4)"},
    Range6{{0x3f, 0xff}, 20, "reserved for documentation"},
};

constexpr Bytes6 kMapped4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr Bytes6 kNat64{0x00, 0x64, 0xff, 0x9b};
constexpr int kEmbedded4Bits = 96;

std::string_view why_not_public4(std::uint32_t address) {
    for (const auto& range : kNotPublic4) {
        if (((address ^ range.first) >> (32 - range.bits)) == 0) {
            return range.why;
        }
    }
    return {};
}

bool has_prefix(const Bytes6& address, const Bytes6& prefix, int bits) {
    for (int i = 0; i < 16 && bits > 0; ++i, bits -= 8) {
        const auto at = static_cast<std::size_t>(i);
        const auto shift = static_cast<unsigned>(std::max(8 - bits, 0));
        if (((static_cast<unsigned>(address.at(at)) ^ prefix.at(at)) >> shift) != 0) {
            return false;
        }
    }
    return true;
}

std::string_view why_not_public6(const Bytes6& address) {
    if (has_prefix(address, kMapped4, kEmbedded4Bits) ||
        has_prefix(address, kNat64, kEmbedded4Bits)) {
        return why_not_public4(ip4(address[12], address[13], address[14], address[15]));
    }
    if (has_prefix(address, Bytes6{}, 127)) {  // :: and ::1
        return address[15] == 0 ? "unspecified" : "loopback";
    }
    for (const auto& range : kNotPublic6) {
        if (has_prefix(address, range.first, range.bits)) {
            return range.why;
        }
    }
    return has_prefix(address, Bytes6{0x20}, 3) ? std::string_view{} : "reserved";
}

}  // namespace

std::string_view why_not_public(const sockaddr* address, std::size_t size) {
    if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
        sockaddr_in four{};
        std::memcpy(&four, address, sizeof four);
        return why_not_public4(ntohl(four.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        sockaddr_in6 six{};
        std::memcpy(&six, address, sizeof six);
        Bytes6 bytes{};
        std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
        return why_not_public6(bytes);
    }
    return "neither IPv4 nor IPv6";
}

}  // namespace opslab
