#include "worker/backoff.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, GrowsToItsLongestPauseWithinAFifthEitherWay) {
    Backoff backoff(100ms, 1s, "worker-001-kind");
    for (const Duration wanted : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        const auto pause = backoff.next();
        EXPECT_GE(pause, wanted * 8 / 10);
        EXPECT_LE(pause, wanted * 12 / 10);
    }
    backoff.reset();
    EXPECT_LE(backoff.next(), 120ms);
}

TEST(Backoff, SpreadsThoseWhoWaitForOneThing) {
    int same = 0;
    for (int i = 0; i < 100; ++i) {
        Backoff one(100s, 100s, "worker-" + std::to_string(i));
        Backoff other(100s, 100s, "worker-" + std::to_string(i + 1));
        same += one.next() == other.next() ? 1 : 0;
    }
    EXPECT_LT(same, 20);
}

}  // namespace
}  // namespace opslab
