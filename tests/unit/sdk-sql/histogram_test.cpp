#include <opslab/sql/histogram.hpp>

#include <gmock/gmock.h>

#include <chrono>

namespace opslab::sql {
namespace {

using ::testing::DoubleNear;
using ::testing::Eq;
using ::testing::Optional;

TEST(Histogram, TellsQuantilesWithinATwentiethAndTheExactAverage) {
    Histogram histogram;
    for (int i = 1; i <= 1000; ++i) {
        add(histogram, std::chrono::milliseconds{i});
    }

    const auto stats = summary(histogram);

    EXPECT_THAT(stats.average, Optional(DoubleNear(0.5005, 1e-9)));
    EXPECT_THAT(stats.p50, Optional(DoubleNear(0.5, 0.025)));
    EXPECT_THAT(stats.p95, Optional(DoubleNear(0.95, 0.0475)));
}

TEST(Histogram, SaysNothingOfNothing) {
    const auto stats = summary({});

    EXPECT_THAT(stats.average, Eq(std::nullopt));
    EXPECT_THAT(stats.p50, Eq(std::nullopt));
    EXPECT_THAT(stats.p95, Eq(std::nullopt));
}

TEST(Histogram, CountsATimeBelowZeroAsZero) {
    Histogram histogram;
    add(histogram, std::chrono::seconds{-5});

    EXPECT_THAT(summary(histogram).average, Optional(0.0));
    EXPECT_THAT(summary(histogram).p95, Optional(0.0));
}

TEST(Histogram, KeepsFewBucketsForAnyTime) {
    EXPECT_EQ(bucket_of(Duration{0}), 0);
    EXPECT_EQ(bucket_of(Duration{1}), 1);
    EXPECT_LT(bucket_of(std::chrono::hours{24 * 365}), 700);
}

}  // namespace
}  // namespace opslab::sql
