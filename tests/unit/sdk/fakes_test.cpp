#include <opslab/testing/fakes.hpp>
#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

/// A thread that waits on a clock until a deadline, as code under test would.
class Sleeper {
public:
    Sleeper(Clock& clock, SteadyTime deadline)
        : thread_([this, &clock, deadline] {
              std::unique_lock lock{mutex_};
              while (clock.steady() < deadline) {
                  clock.wait_until(lock, wake_, deadline);
              }
          }) {}
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    ~Sleeper() { join(); }

    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
};

TEST(FakeClock, StandsStillUntilAdvanced) {
    FakeClock clock;
    const auto wall = clock.now();
    const auto steady = clock.steady();

    clock.advance(5s);

    EXPECT_THAT(clock.now() - wall, Eq(5s));
    EXPECT_THAT(clock.steady() - steady, Eq(5s));
    EXPECT_FALSE(clock.is_system());
}

TEST(FakeClock, WakesThoseWhoseTimeHasComeAndNoOthers) {
    FakeClock clock;
    Sleeper soon{clock, clock.steady() + 1s};
    Sleeper late{clock, clock.steady() + 1h};
    clock.wait_for_waiters(2);

    clock.advance(1s);
    soon.join();

    clock.wait_for_waiters(1);
    clock.advance(1h);
    late.join();
}

TEST(FakeClock, DeadlineInThePastDoesNotWait) {
    FakeClock clock;
    std::mutex mutex;
    std::condition_variable wake;
    std::unique_lock lock{mutex};

    clock.wait_until(lock, wake, clock.steady());

    EXPECT_TRUE(lock.owns_lock());
}

TEST(FakeEntropy, GivesTheSameNumbersForTheSameSeed) {
    FakeEntropy one{7};
    FakeEntropy other{7};
    FakeEntropy different{8};

    const auto first = one.next();

    EXPECT_THAT(other.next(), Eq(first));
    EXPECT_THAT(different.next(), Not(Eq(first)));
    EXPECT_THAT(one.next(), Not(Eq(first)));
}

TEST(CapturingLogger, KeepsMessagesAndFields) {
    CapturingLogger logger;

    log(logger, LogLevel::warning, "task lost", {{"task", "t-1"}});

    ASSERT_THAT(logger.lines().size(), Eq(1U));
    EXPECT_THAT(logger.lines()[0].field("task"), Eq("t-1"));
    EXPECT_TRUE(logger.has("task lost"));
    EXPECT_THAT(logger.text(), Eq("warning task lost task=t-1\n"));
}

TEST(Matchers, TellValuesFromErrors) {
    const Result<int> good = 3;
    const Result<int> bad = fail(Errc::conflict, "busy with \"x\"");

    EXPECT_THAT(good, IsOk());
    EXPECT_THAT(good, IsOkAnd(Eq(3)));
    EXPECT_THAT(good, Not(IsError(Errc::conflict)));
    EXPECT_THAT(bad, IsError(Errc::conflict));
    EXPECT_THAT(bad, Not(IsError(Errc::not_found)));
    EXPECT_THAT(bad, IsErrorAnd(Errc::conflict, HasSubstr("busy")));
    EXPECT_THAT(bad, Not(IsOk()));
    EXPECT_THAT(Status{}, IsOk());
}

}  // namespace
}  // namespace opslab::testing
