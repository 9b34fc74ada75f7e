#include "callback/address_rules.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <ostream>
#include <string>

namespace opslab {
namespace {

using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Not;

/// Why the address with this text is refused; empty where it is public.
std::string why(const std::string& text) {
    sockaddr_storage storage{};
    std::size_t size = 0;
    sockaddr_in four{};
    sockaddr_in6 six{};
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        size = sizeof four;
        std::memcpy(&storage, &four, size);
    } else if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        size = sizeof six;
        std::memcpy(&storage, &six, size);
    } else {
        ADD_FAILURE() << text << " is no address";
    }
    return std::string(why_not_public(
        reinterpret_cast<const sockaddr*>(&storage), size  // NOLINT
    ));
}

struct Case {
    const char* address;
    const char* reason;

    friend std::ostream& operator<<(std::ostream& out, const Case& one) {
        return out << one.address;
    }
};

class RefusedAddress : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedAddress, IsRefusedWithItsReason) {
    EXPECT_THAT(why(GetParam().address), Eq(GetParam().reason)) << GetParam().address;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    RefusedAddress,
    ::testing::Values(
        Case{"0.0.0.0", "unspecified"},
        Case{"0.1.2.3", "unspecified"},
        Case{"10.0.0.0", "private"},
        Case{"10.255.255.255", "private"},
        Case{"100.64.0.0", "private (carrier-grade NAT)"},
        Case{"100.127.255.255", "private (carrier-grade NAT)"},
        Case{"127.0.0.1", "loopback"},
        Case{"127.255.255.254", "loopback"},
        Case{"169.254.169.254", "link-local"},
        Case{"172.16.0.1", "private"},
        Case{"172.31.255.255", "private"},
        Case{"192.0.0.8", "reserved"},
        Case{"192.0.2.1", "reserved for documentation"},
        Case{"192.168.1.1", "private"},
        Case{"198.19.0.1", "reserved for benchmarks"},
        Case{"224.0.0.1", "multicast"},
        Case{"239.255.255.255", "multicast"},
        Case{"240.0.0.1", "reserved"},
        Case{"255.255.255.255", "reserved"},
        Case{"::", "unspecified"},
        Case{"::1", "loopback"},
        Case{"::ffff:127.0.0.1", "loopback"},
        Case{"::ffff:10.1.2.3", "private"},
        Case{"::ffff:169.254.169.254", "link-local"},
        Case{"::127.0.0.1", "reserved"},
        Case{"64:ff9b::192.168.0.1", "private"},
        Case{"64:ff9b:1::1", "reserved"},
        Case{"fc00::1", "private (unique local)"},
        Case{"fdff:ffff::1", "private (unique local)"},
        Case{"fe80::1", "link-local"},
        Case{"febf::1", "link-local"},
        Case{"fec0::1", "private (site-local)"},
        Case{"ff02::1", "multicast"},
        Case{"2001::1", "reserved (tunnels and tests)"},
        Case{"2001:db8::1", "reserved for documentation"},
        Case{"2002:7f00:1::1", "reserved (6to4)"},
        Case{"100::1", "reserved"},
        Case{"4000::1", "reserved"}
    )
);

TEST(PublicAddress, IsPermittedUpToTheEdgesOfTheRefusedRanges) {
    for (const auto* address : {"1.1.1.1",
                                "9.255.255.255",
                                "11.0.0.0",
                                "100.63.255.255",
                                "100.128.0.0",
                                "126.255.255.255",
                                "128.0.0.0",
                                "169.253.255.255",
                                "169.255.0.0",
                                "172.15.255.255",
                                "172.32.0.0",
                                "192.167.255.255",
                                "192.169.0.0",
                                "198.17.255.255",
                                "198.20.0.0",
                                "223.255.255.255",
                                "::ffff:8.8.8.8",
                                "64:ff9b::8.8.8.8",
                                "2001:4860:4860::8888",
                                "2a00:1450::1",
                                "2606:4700::1111",
                                "3ffe::1"}) {
        EXPECT_THAT(why(address), IsEmpty()) << address;
    }
}

TEST(OtherFamily, IsRefused) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const auto* address = reinterpret_cast<const sockaddr*>(&local);  // NOLINT

    EXPECT_THAT(std::string(why_not_public(address, sizeof local)), Not(IsEmpty()));
}

}  // namespace
}  // namespace opslab
