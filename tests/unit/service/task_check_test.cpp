#include "service/task_check.hpp"

#include "checked_runner.hpp"
#include "service_fixture.hpp"

#include <gmock/gmock.h>

#include <future>

namespace opslab::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

using Refusals = std::vector<std::optional<std::string>>;

class TaskCheckTest : public ServiceFixture {
protected:
    static NewTask of(const std::string& problem, std::optional<std::string> backend = {}) {
        NewTask task;
        task.problem_id = problem;
        task.backend_type = std::move(backend);
        return task;
    }

    Refusals ask(const std::vector<NewTask>& tasks) {
        TaskCheck check(runners_, storage_->workers(), clock_, logger_);
        return check.refusals(tasks);
    }

    CheckedRunner docker_{{{"flower", RunnerErrc::task}, {"odd", RunnerErrc::unsupported}}};
    CheckedRunner process_{{{"odd", RunnerErrc::invalid}}};
    std::map<std::string, TaskCheck::Asked> runners_{{"docker", {&docker_, true}}};
};

TEST_F(TaskCheckTest, TheRunnerOfATasksBackendRefusesWhatItCanNeverRun) {
    EXPECT_THAT(
        ask({of("pod", "docker"), of("flower", "docker"), of("odd", "docker")}),
        ElementsAre(
            Eq(std::nullopt), Optional(HasSubstr("room for flower")), Optional(HasSubstr("odd"))
        )
    );
}

TEST_F(TaskCheckTest, ARunnerSpeaksForItsBackendAlsoWhereItsWorkersAreElsewhere) {
    runners_["docker"].has_workers = false;

    EXPECT_TRUE(ask({of("flower", "docker")})[0]);
}

TEST_F(TaskCheckTest, NobodySpeaksForTheBackendOfARunnerThatIsNotHere) {
    EXPECT_FALSE(ask({of("flower", "elsewhere")})[0]);
    EXPECT_THAT(docker_.asked(), IsEmpty());
}

TEST_F(TaskCheckTest, ATaskForAnyBackendIsRefusedWhereAllRunnersWithWorkersRefuseIt) {
    runners_["process"] = {&process_, true};

    const auto refusals = ask({of("flower"), of("odd")});

    EXPECT_FALSE(refusals[0]);
    EXPECT_THAT(refusals[1], Optional(HasSubstr("; ")));  // both say why
    runners_["process"].has_workers = false;
    EXPECT_TRUE(ask({of("flower")})[0]);
}

TEST_F(TaskCheckTest, AWorkerOfAnotherKindMayRunWhatTheRunnersHereRefuse) {
    enroll();

    EXPECT_FALSE(ask({of("flower")})[0]);
    EXPECT_TRUE(ask({of("flower", "docker")})[0]);
}

TEST_F(TaskCheckTest, AFailureThatMayPassIsNoRefusal) {
    CheckedRunner ill{
        {{"a", RunnerErrc::infrastructure},
         {"b", RunnerErrc::internal},
         {"c", RunnerErrc::interrupted},
         {"d", RunnerErrc::not_found}}};
    runners_ = {{"ill", {&ill, true}}};

    EXPECT_THAT(ask({of("a"), of("b"), of("c"), of("d")}), ::testing::Each(Eq(std::nullopt)));
}

TEST_F(TaskCheckTest, EqualTasksOfABatchAreAskedOfOnce) {
    auto other = of("flower");
    other.parameters.agent_config_json = R"({"agent":"scripted"})";
    std::vector<NewTask> batch(500, of("flower"));
    batch.push_back(other);

    const auto refusals = ask(batch);

    EXPECT_THAT(refusals, ::testing::Each(Optional(HasSubstr("flower"))));
    ASSERT_THAT(docker_.asked(), SizeIs(2));
    EXPECT_EQ(docker_.asked()[1].agent_config_json, other.parameters.agent_config_json);
}

TEST_F(TaskCheckTest, ARunnerThatDoesNotAnswerHoldsNobodyUpForLongerThanItsTime) {
    TaskCheck check(runners_, storage_->workers(), clock_, logger_);
    docker_.hold_back(true);
    auto first = std::async(std::launch::async, [&] { return check.refusals({of("flower")}); });
    docker_.wait_until_asked(1);
    clock_.wait_for_waiters(1);

    clock_.advance(TaskCheck::kPatience);

    EXPECT_FALSE(first.get()[0]);
    EXPECT_FALSE(check.refusals({of("flower")})[0]);  // and nobody waits again for now
    EXPECT_THAT(docker_.asked(), SizeIs(1));
    EXPECT_THAT(logger_.lines(), SizeIs(1));
    docker_.hold_back(false);
    clock_.advance(TimedCheck::kPause);
    EXPECT_TRUE(check.refusals({of("flower")})[0]);
}

TEST_F(TaskCheckTest, WhatWasAnsweredInTimeCountsWhereTheRestWasNot) {
    CheckedRunner stuck;
    stuck.hold_back(true);
    runners_ = {{"docker", {&docker_, true}}, {"stuck", {&stuck, true}}};
    TaskCheck both(runners_, storage_->workers(), clock_, logger_);
    auto asked = std::async(std::launch::async, [&] {
        return both.refusals({of("flower", "docker"), of("flower", "stuck")});
    });
    stuck.wait_until_asked(1);
    clock_.wait_for_waiters(1);

    clock_.advance(TaskCheck::kPatience);

    const auto refusals = asked.get();
    EXPECT_TRUE(refusals[0]);
    EXPECT_FALSE(refusals[1]);
    stuck.hold_back(false);
}

}  // namespace
}  // namespace opslab::testing
