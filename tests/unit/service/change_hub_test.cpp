#include "service/change_hub.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <latch>
#include <optional>
#include <thread>

namespace opslab {
namespace {

using ::testing::Eq;

const TaskId kTask{"a"};

TEST(ChangeHub, ListenersHearTheirOwnTopicAlone) {
    ChangeHub hub;
    int task = 0;
    int pending = 0;
    int finished = 0;
    int worker = 0;
    const auto of_task = hub.on_task_changed(kTask, [&] { ++task; });
    const auto of_pending = hub.on_tasks_pending([&] { ++pending; });
    const auto of_finished = hub.on_attempt_finished([&] { ++finished; });
    const auto of_worker = hub.on_worker_should_look(WorkerId{"a"}, [&] { ++worker; });

    hub.task_changed(kTask);
    hub.task_changed(TaskId{"b"});
    hub.worker_should_look(WorkerId{"a"});
    hub.worker_should_look(WorkerId{"b"});

    EXPECT_THAT(task, Eq(1));
    EXPECT_THAT(worker, Eq(1));
    EXPECT_THAT(pending, Eq(0));
    EXPECT_THAT(finished, Eq(0));
    hub.tasks_pending();
    hub.attempt_finished();
    EXPECT_THAT(pending, Eq(1));
    EXPECT_THAT(finished, Eq(1));
}

TEST(ChangeHub, EveryListenerOfATopicIsCalled) {
    ChangeHub hub;
    int calls = 0;
    const auto one = hub.on_tasks_pending([&] { ++calls; });
    const auto two = hub.on_tasks_pending([&] { ++calls; });

    hub.tasks_pending();

    EXPECT_THAT(calls, Eq(2));
}

TEST(ChangeHub, ASubscriptionIsNotCalledAfterReset) {
    ChangeHub hub;
    int calls = 0;
    auto subscription = hub.on_tasks_pending([&] { ++calls; });

    subscription.reset();
    subscription.reset();
    hub.tasks_pending();

    EXPECT_THAT(calls, Eq(0));
}

TEST(ChangeHub, ResetWaitsForACallUnderWay) {
    ChangeHub hub;
    std::latch entered{1};
    std::latch go_on{1};
    std::atomic<bool> left{false};
    auto subscription = hub.on_tasks_pending([&] {
        entered.count_down();
        go_on.wait();
        left = true;
    });
    std::thread publisher{[&] { hub.tasks_pending(); }};
    entered.wait();
    std::latch resetting{1};
    bool left_before_reset_returned = false;
    std::thread resetter{[&] {
        resetting.count_down();
        subscription.reset();
        left_before_reset_returned = left;
    }};
    resetting.wait();

    go_on.count_down();

    publisher.join();
    resetter.join();
    EXPECT_TRUE(left_before_reset_returned);
}

TEST(ChangeHub, AMovedSubscriptionGoesOnAndAnOverwrittenOneEnds) {
    ChangeHub hub;
    int first = 0;
    int second = 0;
    auto kept = hub.on_tasks_pending([&] { ++first; });
    auto moved = std::move(kept);
    hub.tasks_pending();
    EXPECT_THAT(first, Eq(1));

    moved = hub.on_tasks_pending([&] { ++second; });
    hub.tasks_pending();

    EXPECT_THAT(first, Eq(1));
    EXPECT_THAT(second, Eq(1));
}

TEST(ChangeHub, AListenerMayEndAnotherAndSubscribe) {
    ChangeHub hub;
    int late = 0;
    auto other = hub.on_tasks_pending([] {});
    std::optional<ChangeHub::Subscription> fresh;
    const auto subscription = hub.on_tasks_pending([&] {
        other.reset();
        fresh = hub.on_attempt_finished([&] { ++late; });
    });

    hub.tasks_pending();
    hub.attempt_finished();

    EXPECT_THAT(late, Eq(1));
}

TEST(ChangeHub, PublishersAndSubscribersMayMeet) {
    ChangeHub hub;
    std::atomic<bool> done{false};
    std::atomic<int> calls{0};
    std::thread publisher{[&] {
        while (!done) {
            hub.task_changed(kTask);
        }
    }};
    for (int i = 0; i < 200; ++i) {
        auto subscription = hub.on_task_changed(kTask, [&] { ++calls; });
        subscription.reset();
        const int before = calls;
        EXPECT_THAT(calls.load(), Eq(before));
    }
    done = true;
    publisher.join();
}

}  // namespace
}  // namespace opslab
