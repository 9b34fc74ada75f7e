#include "callback/host_gate.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

using namespace std::chrono_literals;
using ::testing::Eq;
using ::testing::Gt;
using ::testing::Le;
using ::testing::Lt;

int enter_all(HostGate& gate, const std::string& host, int count) {
    int entered = 0;
    for (int i = 0; i < count; ++i) {
        entered += gate.enter(host) ? 1 : 0;
    }
    return entered;
}

TEST(HostOfAUrl, IsHostAndPortInLowerCase) {
    EXPECT_THAT(host_of("HTTPS://Example.ORG:8443/a?b#c"), Eq("example.org:8443"));
    EXPECT_THAT(host_of("http://[::1]:80"), Eq("[::1]:80"));
    EXPECT_THAT(host_of("http://h?q"), Eq("h"));
}

TEST(HostGate, GivesOneHostAQuarterOfThePlaces) {
    HostGate gate(16);

    EXPECT_THAT(enter_all(gate, "a", 100), Eq(4));
    EXPECT_THAT(enter_all(gate, "b", 100), Eq(4));
    EXPECT_THAT(gate.free(), Eq(8));
}

TEST(HostGate, GivesEveryHostAtLeastOnePlace) {
    HostGate gate(1);

    EXPECT_TRUE(gate.enter("a"));
    EXPECT_FALSE(gate.enter("b"));
    gate.leave("a", true, 1ms);
    EXPECT_TRUE(gate.enter("b"));
}

TEST(HostGate, LeavesHalfOfThePlacesToHostsThatAnswer) {
    HostGate gate(8);
    for (int i = 0; i < 20; ++i) {
        const auto host = "slow" + std::to_string(i);
        ASSERT_TRUE(gate.enter(host));
        gate.leave(host, false, 10s);
    }

    int entered = 0;
    for (int i = 0; i < 20; ++i) {
        entered += enter_all(gate, "slow" + std::to_string(i), 5);
    }

    EXPECT_THAT(entered, Eq(4));
    EXPECT_TRUE(gate.enter("good"));
}

TEST(HostGate, GivesAHostThatAnswersAgainItsPlacesBack) {
    HostGate gate(8);
    ASSERT_TRUE(gate.enter("a"));
    gate.leave("a", false, 10s);
    EXPECT_THAT(enter_all(gate, "a", 5), Eq(1));

    gate.leave("a", true, 1ms);

    EXPECT_THAT(enter_all(gate, "a", 5), Eq(2));
    EXPECT_THAT(gate.free(), Eq(6));
}

TEST(HostGate, CountsAHostThatFailsWithSeveralPostsUnderWayToTheEnd) {
    HostGate gate(8);
    ASSERT_THAT(enter_all(gate, "a", 2), Eq(2));
    gate.leave("a", false, 10s);
    gate.leave("a", false, 10s);

    EXPECT_THAT(gate.free(), Eq(8));
    EXPECT_THAT(enter_all(gate, "a", 5), Eq(1));
}

TEST(HostGate, SpreadsWhatFoundNoPlaceOverTheTimeThatTheHostNeeds) {
    HostGate gate(16);
    const SteadyTime now{1h};
    const auto first = gate.pause("a", now);
    const auto second = gate.pause("a", now);
    EXPECT_THAT(first, Gt(0s));
    EXPECT_THAT(second, Gt(first));

    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(gate.enter("slow"));
        gate.leave("slow", false, 10s);
    }
    EXPECT_THAT(gate.pause("slow", now), Gt(5s));
    for (int i = 0; i < 100; ++i) {
        EXPECT_THAT(gate.pause("slow", now), Le(1min));
    }
    EXPECT_THAT(gate.pause("other", now), Lt(1s));
}

TEST(HostGate, ForgetsHostsThatItNoLongerNeeds) {
    HostGate gate(8);
    for (int i = 0; i < 5000; ++i) {
        const auto host = "h" + std::to_string(i);
        ASSERT_TRUE(gate.enter(host));
        gate.leave(host, true, 1ms);
    }
    EXPECT_THAT(gate.hosts(), Le(1024U));
}

}  // namespace
}  // namespace opslab
