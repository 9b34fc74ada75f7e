#include "daemon/telling_port.hpp"

#include "base/json.hpp"
#include "unit/worker/fake_runner.hpp"

#include <opslab/testing/fakes.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace opslab::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Remembers who registered, and what claims saw before them.
class RecordingPort final : public WorkerPort {
public:
    std::vector<std::string> told{};  // the problems of each registration; "none"
    std::vector<RunningAttempt> runs{};
    bool away = false;

    Result<Worker> enroll(const NewWorker& worker) override {
        if (away) {
            return fail(Errc::unavailable, "away");
        }
        const auto capabilities = parse_json(worker.capabilities_json).value();
        told.push_back(
            capabilities.contains("problems") ? dump_json(capabilities.at("problems")) : "none"
        );
        EXPECT_EQ(capabilities.at("max_parallel_tasks"), 2);
        return Worker{.id = worker.id};
    }
    Result<HeartbeatReceipt> heartbeat(const Heartbeat&) override { return HeartbeatReceipt{}; }
    Result<std::vector<ClaimedTask>> claim(const ClaimRequest&, Duration) override {
        return std::vector<ClaimedTask>{};
    }
    Result<ReportReceipt> report(const EventReport&) override { return ReportReceipt{}; }
    Result<Task> finish(const AttemptEnd&) override { return Task{}; }
    Result<std::vector<RunningAttempt>> running(const WorkerId&) override { return runs; }
    Status retire(const WorkerId&) override { return {}; }
    void release(const WorkerId&) override {}
    void on_orders(const WorkerId&, std::function<void()>) override {}
};

class TellingPortTest : public ::testing::Test {
protected:
    void enroll() {
        const NewWorker worker{.id = kId, .capabilities_json = R"({"max_parallel_tasks":2})"};
        ASSERT_TRUE(port_.enroll(worker));
    }
    void claim() { ASSERT_TRUE(port_.claim({.worker = kId}, Duration{0})); }
    void claim_a_minute_later() {
        clock_.advance(TellingPort::kLookAgain);
        claim();
    }

    const WorkerId kId{"worker-001-fake"};
    FakeClock clock_;
    CapturingLogger logger_;
    FakeRunner runner_;
    RecordingPort behind_;
    TellingPort port_{behind_, runner_, clock_, logger_};
};

constexpr const char* kOne = R"({"source":"s","problems":[{"id":"one","task_type":"detection"}]})";
constexpr const char* kTwo = R"({"problems":[{"id":"two"}]})";

TEST_F(TellingPortTest, RegistersWithTheProblemsOfTheDriver) {
    runner_.know(kOne);

    enroll();

    EXPECT_THAT(behind_.told, ElementsAre(R"([{"id":"one","task_type":"detection"}])"));
    EXPECT_EQ(runner_.asked_problems_of(), kId.value);
}

TEST_F(TellingPortTest, RegistersWithoutWhereTheyAreNotKnown) {
    enroll();

    EXPECT_THAT(behind_.told, ElementsAre("none"));
    EXPECT_THAT(logger_.lines(), IsEmpty());
}

TEST_F(TellingPortTest, RegistersWithoutWhereTheRunnerFailsAndSaysSoOnce) {
    for (const auto& broken : {std::string("no JSON"), std::string(R"({"problems":1})")}) {
        runner_.know(broken);
        enroll();
    }
    runner_.fail_problems({RunnerErrc::infrastructure, "the engine is away"});
    enroll();
    enroll();

    EXPECT_THAT(behind_.told, ElementsAre("none", "none", "none", "none"));
    EXPECT_THAT(logger_.lines(), SizeIs(3));
    EXPECT_THAT(logger_.text(), HasSubstr("the engine is away"));
}

TEST_F(TellingPortTest, LeavesOutWhatIsWrongAndSaysHowMuch) {
    runner_.know(R"({"problems":[{"id":"one"},{"id":""},7]})");

    enroll();

    EXPECT_THAT(behind_.told, ElementsAre(R"([{"id":"one"}])"));
    EXPECT_THAT(logger_.text(), HasSubstr("2 entries"));
}

TEST_F(TellingPortTest, TellsAnewOfAnotherDriverAMinuteAfterItsLastLook) {
    enroll();
    runner_.know(kTwo);  // the image was pulled for the first task, say

    claim();
    EXPECT_THAT(behind_.told, SizeIs(1));
    claim_a_minute_later();
    claim_a_minute_later();

    EXPECT_THAT(behind_.told, ElementsAre("none", R"([{"id":"two"}])"));
}

TEST_F(TellingPortTest, TellsNothingAnewWhereNothingIsKnownAnyMore) {
    runner_.know(kOne);
    enroll();
    runner_.know(std::nullopt);
    claim_a_minute_later();
    runner_.fail_problems({RunnerErrc::infrastructure, "the engine is away"});
    claim_a_minute_later();

    EXPECT_THAT(behind_.told, SizeIs(1));
}

TEST_F(TellingPortTest, TellsNothingAnewWhileTasksRun) {
    enroll();
    runner_.know(kTwo);
    behind_.runs.resize(1);
    claim_a_minute_later();
    EXPECT_THAT(behind_.told, SizeIs(1));
    behind_.runs.clear();

    claim_a_minute_later();

    EXPECT_THAT(behind_.told, SizeIs(2));
}

TEST_F(TellingPortTest, AReleasedWorkerIsNotMadeToClaimAgain) {
    enroll();
    runner_.know(kTwo);
    port_.release(kId);

    claim_a_minute_later();
    EXPECT_THAT(behind_.told, SizeIs(1));
    enroll();

    EXPECT_THAT(behind_.told, ElementsAre("none", R"([{"id":"two"}])"));
}

TEST_F(TellingPortTest, TriesAgainWhereTheCoordinatorWasAway) {
    enroll();
    runner_.know(kTwo);
    behind_.away = true;
    claim_a_minute_later();
    behind_.away = false;

    claim_a_minute_later();

    EXPECT_THAT(behind_.told, ElementsAre("none", R"([{"id":"two"}])"));
}

}  // namespace
}  // namespace opslab::testing
