#include "clean_end.hpp"
#include "cluster_name.hpp"
#include "cluster_record.hpp"
#include "creation_gate.hpp"
#include "result_gate.hpp"
#include "settings.hpp"
#include "worker_locks.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <set>
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

TEST(KindClusterName, NoTwoSlotsOfAnyWorkersHaveOneName) {
    std::set<std::string> names;
    int count = 0;
    for (const char* id :
         {"worker-001-kind",
          "worker-001-kind-1",
          "worker-001-kind-2",
          "worker-001-kind-2-1",
          "worker-001-kind-2-2",
          "worker-001-2",
          "worker-001-kind2"}) {
        for (int index = 0; index < 12; ++index) {
            names.insert(cluster_name("", WorkerId{id}, index).value());
            ++count;
        }
    }
    EXPECT_EQ(static_cast<int>(names.size()), count);
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

// Held until this process ends its wait for something that may never come.
[[nodiscard]] bool are_done(std::vector<std::future<RunnerStatus>>& all) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    return std::all_of(all.begin(), all.end(), [&](std::future<RunnerStatus>& one) {
        return one.wait_until(deadline) == std::future_status::ready;
    });
}

TEST(KindCreationGate, ThatOneGoesAwayBecauseOfAPauseLeavesNobodyWaiting) {
    CreationGate gate({.parallel = 1, .failures = 1, .pause = std::chrono::hours{1}});
    ASSERT_TRUE(gate.enter());
    std::atomic<int> begun{0};
    std::vector<std::future<RunnerStatus>> waiting;
    for (int i = 0; i < 8; ++i) {
        waiting.push_back(std::async(std::launch::async, [&] {
            ++begun;
            return gate.enter();
        }));
    }
    while (begun < 8) {
        std::this_thread::yield();
    }
    // they may still be on their way into the wait; any that are late find the pause themselves
    EXPECT_EQ(waiting.back().wait_for(std::chrono::milliseconds{50}), std::future_status::timeout);
    gate.leave(runner_fail(RunnerErrc::infrastructure, "no disk"));
    EXPECT_TRUE(are_done(waiting));
    gate.close();  // so that a failure of this test ends
    for (auto& one : waiting) {
        EXPECT_EQ(one.get().error().code, RunnerErrc::infrastructure);
    }
}

class KindState : public ::testing::Test {
protected:
    KindState() {
        std::string name = ::testing::TempDir() + "state-XXXXXX";
        directory_ = ::mkdtemp(name.data());
    }
    ~KindState() override { std::filesystem::remove_all(directory_); }

    std::string directory_;
};

TEST_F(KindState, AWorkersClustersHaveOneProcessAtATime) {
    const WorkerLocks mine(directory_ + "/workers");
    const WorkerLocks theirs(directory_ + "/workers");
    auto first = mine.take(WorkerId{"worker-001-kind"});
    ASSERT_TRUE(first);
    const auto refused = theirs.take(WorkerId{"worker-001-kind"});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RunnerErrc::infrastructure);
    EXPECT_THAT(refused.error().message, HasSubstr("another opslab process"));
    EXPECT_TRUE(theirs.take(WorkerId{"worker-002-kind"}));
    first->reset();
    EXPECT_TRUE(theirs.take(WorkerId{"worker-001-kind"}));
}

// Else a kind that outlives a killed opslab would keep the successor out.
TEST_F(KindState, NoProgramThatIsStartedMeanwhileKeepsTheLock) {
    const WorkerLocks locks(directory_ + "/workers");
    auto held = locks.take(WorkerId{"worker-001-kind"});
    ASSERT_TRUE(held);
    int ended[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ended, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl("/bin/sleep", "sleep", "1000", nullptr);
        ::_exit(1);
    }
    ::close(ended[1]);
    char none = 0;
    EXPECT_EQ(::read(ended[0], &none, 1), 0);  // it is the new program
    held->reset();
    EXPECT_TRUE(locks.take(WorkerId{"worker-001-kind"}));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ended[0]);
}

TEST_F(KindState, ALockThatCannotBeMadeIsSaid) {
    EXPECT_EQ(WorkerLocks(directory_).take(WorkerId{"../x"}).error().code, RunnerErrc::invalid);
    const WorkerLocks nowhere(directory_ + "/no/such/place");
    const auto failed = nowhere.take(WorkerId{"worker-001-kind"});
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, HasSubstr("/no/such/place/worker-001-kind"));
}

TEST_F(KindState, TheOwnersMarkIsMadeOnceAndIsOnesOwn) {
    const std::string path = directory_ + "/clusters";
    const auto mark = ClusterRecords(path).owner_mark();
    ASSERT_TRUE(mark);
    EXPECT_GT(mark->size(), 30U);
    EXPECT_EQ(ClusterRecords(path).owner_mark(), mark);
    EXPECT_NE(ClusterRecords(directory_ + "/others").owner_mark(), mark);
    EXPECT_TRUE(ClusterRecords(path).all().empty());
}

TEST(KindSettings, FoldersThatAreEmptiedAreAbsoluteAndBelowAFolderOfTheRoots) {
    const auto with = [](const std::string& path) {
        return read_settings(R"({"image":"i","node_data_paths":[")" + path + R"("]})");
    };
    EXPECT_TRUE(with("/data/volumes"));
    EXPECT_TRUE(with("/srv/a.b/..c"));
    for (const char* path :
         {"data/volumes",
          "/",
          "/data",
          "/data/",
          "/data//volumes",
          "/data/volumes/",
          "/data/..",
          "/data/../etc",
          "/data/./x",
          ""}) {
        const auto refused = with(path);
        ASSERT_FALSE(refused) << path;
        EXPECT_THAT(refused.error().message, HasSubstr("node_data_paths")) << path;
    }
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

class NotedSink final : public RunSink {
public:
    std::vector<std::string> all{};

    SinkAnswer event(std::string_view json) override { return note(json); }
    SinkAnswer output(OutputStream, std::string_view line, bool) override { return note(line); }
    SinkAnswer position(std::string_view text) override { return note(text); }

private:
    SinkAnswer note(std::string_view text) {
        all.emplace_back(text);
        return SinkAnswer::go_on;
    }
};

TEST(KindResultGate, PassesEverythingOnWhereNothingIsAgainstAResult) {
    NotedSink next;
    int checks = 0;
    ResultGate gate(next, [&] {
        ++checks;
        return RunnerStatus{};
    });
    const std::string log = R"({"type":"log","message":"a result, {\"type\":\"result\"}"})";
    const std::string result = R"({"details":{"type":[[1]]},"type":"result","reward":0})";

    EXPECT_EQ(gate.event(log), SinkAnswer::go_on);
    EXPECT_EQ(gate.event("no JSON, no result"), SinkAnswer::go_on);
    EXPECT_EQ(checks, 0);
    EXPECT_FALSE(gate.has_outcome());
    EXPECT_EQ(gate.event(result), SinkAnswer::go_on);
    EXPECT_EQ(gate.output(OutputStream::out, "line", false), SinkAnswer::go_on);
    EXPECT_EQ(gate.position("p"), SinkAnswer::go_on);

    EXPECT_EQ(checks, 1);
    EXPECT_TRUE(gate.has_outcome());
    EXPECT_TRUE(gate.verdict());
    EXPECT_THAT(next.all, ::testing::ElementsAre(log, "no JSON, no result", result, "line", "p"));
}

TEST(KindResultGate, PassesNothingOnFromARefusedResultOn) {
    for (const char* result : {R"({"type":"result"})", R"({"type":"\u0072esul\u0074"})"}) {
        NotedSink next;
        ResultGate gate(next, [] { return runner_fail(RunnerErrc::infrastructure, "broken"); });

        EXPECT_EQ(gate.position("before"), SinkAnswer::go_on);
        EXPECT_EQ(gate.event(result), SinkAnswer::leave_off) << result;
        EXPECT_EQ(gate.position("after"), SinkAnswer::leave_off);
        EXPECT_EQ(gate.output(OutputStream::out, "line", false), SinkAnswer::leave_off);
        EXPECT_EQ(gate.event(R"({"type":"clean"})"), SinkAnswer::leave_off);

        EXPECT_THAT(next.all, ::testing::ElementsAre("before"));
        EXPECT_EQ(gate.verdict().error().message, "broken");
        EXPECT_FALSE(gate.has_outcome());
    }
}

TEST(KindResultGate, PassesADriversErrorOnUnchecked) {
    NotedSink next;
    ResultGate gate(next, [] { return runner_fail(RunnerErrc::infrastructure, "broken"); });

    EXPECT_EQ(gate.event(R"({"type":"error","message":"no API"})"), SinkAnswer::go_on);

    EXPECT_TRUE(gate.has_outcome());
    EXPECT_THAT(next.all, ::testing::SizeIs(1));
}

}  // namespace
}  // namespace opslab::runner_kind
