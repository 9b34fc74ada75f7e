#include "callback/delivery_plan.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Eq;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

const DeliveryPlan kPlan{.max_attempts = 4, .retry = {.base = 10s, .max = 30s}};

PostResult answered(int status) {
    return {.end = PostEnd::answered, .status = status};
}

TEST(DeliveryPlan, TakesAny2xxForADelivery) {
    for (const int status : {200, 201, 202, 204, 299}) {
        EXPECT_THAT(judge(answered(status), 1, kPlan, 0).end, Eq(DeliveryEnd::delivered));
    }
}

TEST(DeliveryPlan, TriesEverythingElseAgainRedirectsIncluded) {
    for (const int status : {0, 199, 301, 307, 404, 410, 429, 500, 503}) {
        const auto verdict = judge(answered(status), 1, kPlan, 0);
        EXPECT_THAT(verdict.end, Eq(DeliveryEnd::will_retry));
        EXPECT_THAT(verdict.reason, HasSubstr(std::to_string(status)));
    }
    const PostResult broken{.end = PostEnd::failed, .reason = "Timeout was reached"};
    EXPECT_THAT(judge(broken, 1, kPlan, 0).end, Eq(DeliveryEnd::will_retry));
    EXPECT_THAT(judge(broken, 1, kPlan, 0).reason, Eq("Timeout was reached"));
}

TEST(DeliveryPlan, DoublesThePauseUpToTheLongestAFifthEitherWay) {
    const auto pause = [](int try_number, std::uint64_t random) {
        return judge(answered(500), try_number, kPlan, random).again_after.value();
    };
    for (std::uint64_t random : {0ULL, 1ULL, 123456789ULL, ~0ULL}) {
        EXPECT_THAT(pause(1, random), AllOf(Ge(8s), Le(12s)));
        EXPECT_THAT(pause(2, random), AllOf(Ge(16s), Le(24s)));
        EXPECT_THAT(pause(3, random), AllOf(Ge(24s), Le(36s)));
    }
}

TEST(DeliveryPlan, GivesUpAfterTheLastTry) {
    EXPECT_THAT(judge(answered(500), 3, kPlan, 0).end, Eq(DeliveryEnd::will_retry));
    EXPECT_THAT(judge(answered(500), 4, kPlan, 0).end, Eq(DeliveryEnd::given_up));
    EXPECT_THAT(judge(answered(500), 9, kPlan, 0).again_after, Eq(std::nullopt));
    EXPECT_THAT(judge(answered(200), 4, kPlan, 0).end, Eq(DeliveryEnd::delivered));
}

TEST(DeliveryPlan, GivesUpARefusedAddressAtOnce) {
    const PostResult refused{.end = PostEnd::refused_address, .reason = "its address is private"};

    const auto verdict = judge(refused, 1, kPlan, 0);

    EXPECT_THAT(verdict.end, Eq(DeliveryEnd::refused));
    EXPECT_THAT(verdict.again_after, Eq(std::nullopt));
    EXPECT_THAT(verdict.reason, Eq("its address is private"));
}

}  // namespace
}  // namespace opslab
