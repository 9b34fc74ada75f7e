#include <opslab/sql/session_pool.hpp>
#include <opslab/testing/fakes.hpp>
#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>

namespace opslab::sql {
namespace {

using opslab::testing::FakeClock;
using opslab::testing::IsError;
using opslab::testing::IsOk;

// the pool lends places; what stands on one is no matter here
std::unique_ptr<Session> open_nothing() {
    return nullptr;
}

TEST(SessionPool, SaysSoWhenNoSessionBecomesFreeInTime) {
    FakeClock clock;
    SessionPool pool(clock, open_nothing, 1, Duration{0});
    const auto held = pool.lease();
    ASSERT_THAT(held, IsOk());

    EXPECT_THAT(pool.lease(), IsError(Errc::timeout));
}

TEST(SessionPool, GivesAReturnedSessionToWhoWaits) {
    FakeClock clock;
    SessionPool pool(clock, open_nothing, 1, std::chrono::hours{1});
    auto held = std::make_optional(pool.lease());
    ASSERT_THAT(*held, IsOk());

    auto waiting = std::async(std::launch::async, [&] { return pool.lease().has_value(); });
    held.reset();

    EXPECT_TRUE(waiting.get());
}

TEST(SessionPool, KeepsThePlaceOfASessionThatCouldNotBeOpened) {
    FakeClock clock;
    bool broken = true;
    SessionPool pool(
        clock,
        [&]() -> std::unique_ptr<Session> {
            if (broken) {
                throw std::runtime_error("no database");
            }
            return nullptr;
        },
        1,
        Duration{0}
    );
    EXPECT_THROW(static_cast<void>(pool.lease()), std::runtime_error);

    broken = false;
    EXPECT_THAT(pool.lease(), IsOk());
}

}  // namespace
}  // namespace opslab::sql
