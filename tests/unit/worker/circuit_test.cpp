#include "worker/circuit.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

using namespace std::chrono_literals;
using ::testing::Optional;

class CircuitTest : public ::testing::Test {
protected:
    void fail_starts(int count) {
        for (int i = 0; i < count; ++i) {
            circuit_.start_failed(now_, "no disk");
        }
    }

    SteadyTime now_{};
    Circuit circuit_{"worker-001-fake"};
};

TEST_F(CircuitTest, StaysClosedWhileStartsInARowAreFewerThanFive) {
    fail_starts(4);
    circuit_.start_worked();
    fail_starts(4);

    EXPECT_FALSE(circuit_.is_open());
    EXPECT_EQ(circuit_.allowed(now_, 3), 3);
    EXPECT_EQ(circuit_.why_not(now_), std::nullopt);
}

TEST_F(CircuitTest, OpensAfterFiveAndLetsOneTaskBeTriedAfterItsPause) {
    fail_starts(5);

    EXPECT_EQ(circuit_.allowed(now_, 3), 0);
    EXPECT_THAT(circuit_.why_not(now_), Optional(std::string("no disk")));

    now_ = circuit_.next_change();
    EXPECT_EQ(circuit_.allowed(now_, 3), 1);
    EXPECT_EQ(circuit_.why_not(now_), std::nullopt);

    circuit_.begin_trial();
    EXPECT_EQ(circuit_.allowed(now_, 2), 0);
    EXPECT_EQ(circuit_.next_change(), SteadyTime::max());

    circuit_.start_worked();
    EXPECT_EQ(circuit_.allowed(now_, 2), 2);
}

TEST_F(CircuitTest, ATrialThatFailsOpensItForLongerAndNeverForMoreThanSixSeconds) {
    fail_starts(5);
    auto longest = SteadyTime::duration::zero();
    for (int i = 0; i < 8; ++i) {
        now_ = circuit_.next_change();
        circuit_.begin_trial();
        circuit_.start_failed(now_, "still none");
        longest = std::max(longest, circuit_.next_change() - now_);
    }

    EXPECT_GE(longest, 4s);
    EXPECT_LE(longest, 6s);
    EXPECT_THAT(circuit_.why_not(now_), Optional(std::string("still none")));
}

TEST_F(CircuitTest, ATrialThatTellsNothingIsFollowedByAnother) {
    fail_starts(5);
    now_ = circuit_.next_change();
    circuit_.begin_trial();

    circuit_.start_told_nothing();

    EXPECT_TRUE(circuit_.is_open());
    EXPECT_EQ(circuit_.allowed(now_, 2), 1);
}

TEST_F(CircuitTest, OpensAtOnceWhereThePlaceIsOutOfOrder) {
    circuit_.out_of_order(now_, "no engine");

    EXPECT_THAT(circuit_.why_not(now_), Optional(std::string("no engine")));
}

TEST_F(CircuitTest, WithoutAFreeSlotItIsNotTheReason) {
    EXPECT_EQ(circuit_.allowed(now_, 0), 0);
    EXPECT_EQ(circuit_.why_not(now_), std::nullopt);
}

}  // namespace
}  // namespace opslab
