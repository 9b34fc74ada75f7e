#include <opslab/ids.hpp>
#include <opslab/retry.hpp>
#include <opslab/testing/fakes.hpp>
#include <opslab/worker.hpp>

#include <gmock/gmock.h>

#include <limits>
#include <string>

namespace opslab {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Eq;
using ::testing::Ge;
using ::testing::Le;
using ::testing::Lt;

// --- glob_match -------------------------------------------------------------------------------

struct GlobCase {
    std::string glob;
    std::string text;
    bool matches;
};

class GlobMatch : public ::testing::TestWithParam<GlobCase> {};

TEST_P(GlobMatch, FollowsTheTable) {
    const auto& row = GetParam();

    EXPECT_THAT(glob_match(row.glob, row.text), Eq(row.matches)) << row.glob << " on " << row.text;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    GlobMatch,
    ::testing::Values(
        GlobCase{"", "", true},
        GlobCase{"", "a", false},
        GlobCase{"*", "", true},
        GlobCase{"*", "anything", true},
        GlobCase{"?", "", false},
        GlobCase{"?", "a", true},
        GlobCase{"a*c", "abbbc", true},
        GlobCase{"a*c", "abbbd", false},
        GlobCase{"*b*b*", "abab", true},
        GlobCase{"*b*b*", "aba", false},
        GlobCase{"[ab]", "a", false},
        GlobCase{"[ab]", "[ab]", true},
        GlobCase{"a\\*", "a\\b", true},
        GlobCase{"A", "a", false},
        GlobCase{"pod-?-x", "pod-1-x", true}
    )
);

TEST(GlobMatch, StaysLinearOnHostileInput) {
    std::string glob;
    for (int i = 0; i < 200; ++i) {
        glob += "a*";
    }
    glob += "b";

    EXPECT_FALSE(glob_match(glob, std::string(10'000, 'a')));
}

// --- retry_delay ------------------------------------------------------------------------------

struct RetryCase {
    int attempt;
    Duration nominal;
};

class RetryDelay : public ::testing::TestWithParam<RetryCase> {};

TEST_P(RetryDelay, DoublesUpToTheCapWithAFifthEitherWay) {
    const auto& row = GetParam();
    const RetryPolicy policy;

    for (const std::uint64_t random : {0ULL, 1ULL, 999'999'937ULL, ~0ULL}) {
        EXPECT_THAT(
            retry_delay(row.attempt, policy, random),
            AllOf(Ge(row.nominal - row.nominal / 5), Le(row.nominal + row.nominal / 5))
        );
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    RetryDelay,
    ::testing::Values(
        RetryCase{0, 5s},
        RetryCase{1, 5s},
        RetryCase{2, 10s},
        RetryCase{3, 20s},
        RetryCase{6, 160s},
        RetryCase{7, 300s},
        RetryCase{11, 300s},
        RetryCase{std::numeric_limits<int>::max(), 300s}
    )
);

TEST(RetryDelay, IsSpreadByTheRandomBits) {
    const RetryPolicy policy;

    EXPECT_THAT(retry_delay(1, policy, 0), Eq(4s));
    EXPECT_THAT(retry_delay(1, policy, 2'000'000), Eq(6s));
}

TEST(RetryDelay, OfNothingIsNothing) {
    EXPECT_THAT(retry_delay(3, RetryPolicy{.base = 0us, .max = 0us}, 5), Eq(0us));
}

// --- make_uuid --------------------------------------------------------------------------------

TEST(MakeUuid, IsVersionSevenInLowerCase) {
    testing::FakeEntropy entropy;

    const auto id = make_uuid(testing::FakeClock::kStart, entropy);

    EXPECT_TRUE(is_uuid(id)) << id;
    EXPECT_THAT(id[14], Eq('7'));
    EXPECT_THAT(std::string{"89ab"}.find(id[19]), Lt(4U));
}

TEST(MakeUuid, HoldsTheUnixMilliseconds) {
    testing::FakeEntropy entropy;

    const auto id = make_uuid(from_micros(0x0123456789abLL * 1000), entropy);

    EXPECT_THAT(id.substr(0, 18), Eq("01234567-89ab-7000"));
}

TEST(MakeUuid, SortsByTimeToTheMicrosecond) {
    testing::FakeEntropy entropy;
    auto at = testing::FakeClock::kStart;
    auto last = make_uuid(at, entropy);

    for (int i = 0; i < 3000; ++i) {
        at += 1us;
        auto next = make_uuid(at, entropy);
        ASSERT_THAT(last, Lt(next));
        last = std::move(next);
    }
}

TEST(IsUuid, RefusesOtherForms) {
    EXPECT_TRUE(is_uuid("0189F7EA-7C00-7000-8000-000000000000"));
    EXPECT_FALSE(is_uuid(""));
    EXPECT_FALSE(is_uuid("0189f7ea7c0070008000000000000000"));
    EXPECT_FALSE(is_uuid("0189f7ea-7c00-7000-8000-00000000000g"));
    EXPECT_FALSE(is_uuid("0189f7ea-7c00-7000-8000-0000000000000"));
    EXPECT_FALSE(is_uuid("{189f7ea-7c00-7000-8000-00000000000}"));
}

}  // namespace
}  // namespace opslab
