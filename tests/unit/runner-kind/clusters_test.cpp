#include "clean_end.hpp"
#include "cluster_pool.hpp"
#include "creation_gate.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace opslab::runner_kind {
namespace {

using ::testing::HasSubstr;

TEST(KindClusterName, SaysWorkerAndSlot) {
    const WorkerId worker{"worker-001-kind"};
    EXPECT_EQ(cluster_name("", worker, 0).value(), "worker-001-kind");
    EXPECT_EQ(cluster_name("", worker, 1).value(), "worker-001-kind-2");
    EXPECT_EQ(cluster_name("a-", worker, 2).value(), "a-worker-001-kind-3");
}

TEST(KindClusterName, WhatKindCannotDoOrCouldBeAPathIsRefused) {
    for (const char* id : {"", "../x", "Worker", "a/b", "a_b"}) {
        EXPECT_FALSE(cluster_name("", WorkerId{id}, 0)) << id;
    }
    EXPECT_TRUE(cluster_name("", WorkerId{std::string(50, 'a')}, 0));
    EXPECT_FALSE(cluster_name("", WorkerId{std::string(51, 'a')}, 0));
}

TEST(KindCreationGate, NeverLetsMoreInThanItsLimit) {
    CreationGate gate({.parallel = 2, .failures = 5, .pause = std::chrono::seconds{60}});
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int turn = 0; turn < 200; ++turn) {
                ASSERT_TRUE(gate.enter());
                const int now = ++inside;
                int seen = most.load();
                while (seen < now && !most.compare_exchange_weak(seen, now)) {
                }
                std::this_thread::yield();
                --inside;
                gate.leave({});
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_LE(most.load(), 2);
}

TEST(KindCreationGate, PausesAfterFailuresInARowAndSaysTheLastReason) {
    CreationGate gate({.parallel = 1, .failures = 2, .pause = std::chrono::hours{1}});
    const RunnerStatus failed = runner_fail(RunnerErrc::infrastructure, "no disk");
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(gate.enter());
        gate.leave(failed);
    }
    const auto refused = gate.enter();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(refused.error().message, HasSubstr("no disk"));
}

TEST(KindCreationGate, SuccessAndInterruptionsDoNotCountAsFailures) {
    CreationGate gate({.parallel = 1, .failures = 2, .pause = std::chrono::hours{1}});
    const RunnerStatus failed = runner_fail(RunnerErrc::infrastructure, "no disk");
    const RunnerStatus interrupted = runner_fail(RunnerErrc::interrupted, "closing");
    const std::vector<RunnerStatus> story{failed, RunnerStatus{}, failed, interrupted};
    for (const auto& outcome : story) {
        ASSERT_TRUE(gate.enter());
        gate.leave(outcome);
    }
    EXPECT_TRUE(gate.enter());
}

class NoSink final : public RunSink {
public:
    SinkAnswer event(std::string_view) override { return SinkAnswer::go_on; }
    SinkAnswer output(OutputStream, std::string_view, bool) override { return SinkAnswer::go_on; }
    SinkAnswer position(std::string_view) override { return SinkAnswer::go_on; }
};

TEST(KindCleanEnd, OnlyTheLastEventCounts) {
    NoSink next;
    CleanEndSink sink(next);
    EXPECT_FALSE(sink.has_ended_clean());
    EXPECT_EQ(sink.event(R"({"type":"clean"})"), SinkAnswer::go_on);
    EXPECT_TRUE(sink.has_ended_clean());
    EXPECT_EQ(sink.event(R"({"type":"log","message":"clean"})"), SinkAnswer::go_on);
    EXPECT_FALSE(sink.has_ended_clean());
    EXPECT_EQ(sink.event(R"(["clean"])"), SinkAnswer::go_on);
    EXPECT_EQ(sink.event("no JSON"), SinkAnswer::go_on);
    EXPECT_FALSE(sink.has_ended_clean());
}

}  // namespace
}  // namespace opslab::runner_kind
