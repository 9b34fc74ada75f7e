#include "fake_engine.hpp"
#include "run_handle.hpp"

#include <opslab/docker/container_runs.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>

namespace opslab::docker {
namespace {

using ::testing::HasSubstr;

/// Knows the state of a run's container, "run", and of two that it relies on, "one" and "two".
class ReliedOn : public ::testing::Test {
protected:
    struct State {
        std::string started{"2026-01-02T03:04:05Z"};
        std::string running{"true"};
        std::string restarting{"false"};
    };

    ReliedOn() { states_["run"].started = "2026-01-02T03:04:05.5Z"; }

    std::string answer(std::string_view target) {
        const auto from = target.rfind("/containers/") + std::string_view("/containers/").size();
        const std::string name(target.substr(from, target.rfind('/') - from));
        if (name == broken_) {
            return FakeEngine::kFault;
        }
        const State& state = states_[name];
        return R"({"Id":"x","Name":"/name-of-)" + name + R"(","Config":{"Labels":{)" +
               (name == "run" ? label_ : "") + R"(}},"State":{"Running":)" + state.running +
               R"(,"Paused":false,"Restarting":)" + state.restarting +
               R"(,"OOMKilled":false,"ExitCode":0,"StartedAt":")" + state.started + R"("}})";
    }

    RunnerResult<std::optional<std::string>> first_lost() {
        ContainerSpec spec;
        spec.away_limit = std::chrono::milliseconds{0};
        FakeEngine engine([this](std::string_view target) { return answer(target); });
        ContainerRuns runs(engine.address(), spec);
        return runs.first_lost(ContainerHandle{"run", "1f-1", "prefix"}.text(), {});
    }

    std::map<std::string, State> states_{};
    std::string label_ = R"("opslab.relies-on":"one two")";
    std::string broken_{};
};

TEST_F(ReliedOn, WasThereWhereItRunsSinceBeforeTheRun) {
    EXPECT_EQ(first_lost().value(), std::nullopt);
    states_["run"].running = "false";
    EXPECT_EQ(first_lost().value(), std::nullopt) << "the run itself may have ended";
    states_["run"].started = "";
    EXPECT_EQ(first_lost().value(), std::nullopt) << "an engine that does not say is believed";
}

TEST_F(ReliedOn, IsLostWhereItEndedOrWasStartedAnew) {
    states_["two"].running = "false";
    EXPECT_EQ(first_lost().value(), "name-of-two");
    states_["one"].restarting = "true";
    EXPECT_EQ(first_lost().value(), "name-of-one") << "it is about to be started anew";
    states_.erase("one");
    states_["one"].started = "2026-01-02T03:04:05.500000001Z";
    EXPECT_EQ(first_lost().value(), "name-of-one") << "it runs again";
}

TEST_F(ReliedOn, IsNotLookedAtWhereTheRunNamesNothing) {
    label_.clear();
    broken_ = "one";
    EXPECT_EQ(first_lost().value(), std::nullopt);
}

TEST_F(ReliedOn, IsNotKnownWhereTheEngineHasAFault) {
    for (const char* broken : {"run", "two"}) {
        broken_ = broken;
        const auto lost = first_lost();
        ASSERT_FALSE(lost) << broken;
        EXPECT_EQ(lost.error().code, RunnerErrc::infrastructure);
        EXPECT_THAT(lost.error().message, HasSubstr("a fault"));
    }
}

}  // namespace
}  // namespace opslab::docker
