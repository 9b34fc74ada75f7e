#include "http/executor.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <stdexcept>
#include <string>

namespace opslab {
namespace {

using opslab::testing::CapturingLogger;

/// A job that holds its thread until told. It must outlive its executor, like all that a job uses.
struct Hold {
    std::promise<void> begun{};
    std::promise<void> go{};
    BoundedExecutor::Job job = [this] {
        begun.set_value();
        go.get_future().wait();
    };
};

TEST(BoundedExecutor, FullQueueRefusesAndLeavesTheJob) {
    CapturingLogger logger;
    Hold hold;
    BoundedExecutor executor(1, 1, logger);
    ASSERT_TRUE(executor.post(hold.job));
    hold.begun.get_future().wait();
    BoundedExecutor::Job second = [] {};
    ASSERT_TRUE(executor.post(second));
    BoundedExecutor::Job third = [] {};

    EXPECT_FALSE(executor.post(third));

    EXPECT_TRUE(third);
    EXPECT_EQ(executor.queued(), 1U);
    hold.go.set_value();
}

TEST(BoundedExecutor, AdmittedWorkPassesTheCapacity) {
    CapturingLogger logger;
    std::promise<void> ran;
    BoundedExecutor executor(1, 0, logger);

    EXPECT_TRUE(executor.post_admitted([&] { ran.set_value(); }));

    ran.get_future().wait();
}

TEST(BoundedExecutor, AdmittedWorkNeitherRefusesNorHoldsUpARequest) {
    CapturingLogger logger;
    Hold hold;
    std::mutex mutex;
    std::string order;
    std::promise<void> ran;
    BoundedExecutor executor(1, 1, logger);
    ASSERT_TRUE(executor.post(hold.job));
    hold.begun.get_future().wait();
    const auto note = [&](char who) {
        const std::lock_guard lock(mutex);
        order += who;
        if (order.size() == 4) {
            ran.set_value();
        }
    };
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(executor.post_admitted([&] { note('s'); }));
    }
    BoundedExecutor::Job request = [&] { note('r'); };

    EXPECT_TRUE(executor.post(request));

    hold.go.set_value();
    ran.get_future().wait();
    EXPECT_EQ(order, "srss");
}

TEST(BoundedExecutor, JobThatThrowsIsLoggedAndTheThreadGoesOn) {
    CapturingLogger logger;
    std::promise<void> ran;
    BoundedExecutor executor(1, 2, logger);
    BoundedExecutor::Job bad = [] { throw std::runtime_error("broken"); };
    BoundedExecutor::Job good = [&] { ran.set_value(); };

    ASSERT_TRUE(executor.post(bad));
    ASSERT_TRUE(executor.post(good));

    ran.get_future().wait();
    EXPECT_TRUE(logger.has("executor job threw"));
}

TEST(BoundedExecutor, StoppedTakesNothingAndStopsAgain) {
    CapturingLogger logger;
    BoundedExecutor executor(2, 2, logger);
    executor.stop();
    executor.stop();
    BoundedExecutor::Job job = [] {};

    EXPECT_FALSE(executor.post(job));
    EXPECT_FALSE(executor.post_admitted([] {}));
}

}  // namespace
}  // namespace opslab
