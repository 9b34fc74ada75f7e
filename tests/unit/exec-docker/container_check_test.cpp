#include "fake_engine.hpp"

#include <opslab/docker/container_runs.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace opslab::docker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kNeeding =
    R"({"Config":{"Labels":{"opslab.driver.needs":"kubeconfig","other":"x"}}})";

ContainerSpec spec() {
    ContainerSpec spec;
    spec.image = "driver";
    return spec;
}

TaskSpec task(std::string problem) {
    TaskSpec task;
    task.problem_id = std::move(problem);
    return task;
}

RunRequest run_request() {
    RunRequest request;
    request.run_id = "0a.1";
    request.slot.worker = WorkerId{"worker-001-docker"};
    request.task_json = "{}";
    return request;
}

// Of a start of a run that fails since the engine gives this to the call that starts the driver.
bool may_have_run(const std::string& answer) {
    FakeEngine engine([&](std::string_view target) -> std::string {
        if (target.ends_with("/start")) {
            return answer;
        }
        return target.find("/create") == std::string_view::npos ? kNeeding : R"({"Id":"abc"})";
    });
    auto impatient = spec();
    impatient.away_limit = std::chrono::milliseconds{0};
    ContainerRuns runs(engine.address(), impatient);
    bool may_have_run = false;
    RunExtras extras;
    extras.may_have_run = &may_have_run;
    const auto started = runs.start(run_request(), {}, extras);
    EXPECT_FALSE(started);
    return may_have_run;
}

TEST(ContainerStart, ADriverMayHaveRunWhereTheEngineDidNotSayThatItCouldNotStartIt) {
    EXPECT_TRUE(may_have_run(FakeEngine::kCutOff));
    EXPECT_FALSE(may_have_run(FakeEngine::kFault));
}

// The task may be started elsewhere as soon as the failure is told.
TEST(ContainerStart, ADriverThatMayRunIsGoneBeforeTheFailureIsTold) {
    constexpr const char* kOurs =
        R"({"Id":"abc","Name":"/n","Config":{"Labels":{"opslab.managed":"true",)"
        R"("opslab.run":"0a.1","opslab.event-prefix":"word"}},"State":{"Running":true,)"
        R"("Paused":false,"Restarting":false,"OOMKilled":false,"ExitCode":0}})";
    int looks = 0;
    int removals = 0;
    FakeEngine engine([&](std::string_view target) -> std::string {
        if (target.ends_with("/start")) {
            return FakeEngine::kCutOff;
        }
        if (target.find("force=1") != std::string_view::npos) {
            ++removals;
            return "";
        }
        if (target.ends_with("/abc/json")) {
            return ++looks < 3 ? FakeEngine::kCutOff : kOurs;
        }
        if (target.find("/create") != std::string_view::npos) {
            return R"({"Id":"abc"})";
        }
        return target.find("/containers/json") == std::string_view::npos ? kNeeding : "[]";
    });
    ContainerRuns runs(engine.address(), spec());

    EXPECT_FALSE(runs.start(run_request(), {}, {}));

    EXPECT_EQ(removals, 1);
}

TEST(ContainerCheck, AnImageThatNeedsAKubeconfigIsRefusedWithoutOne) {
    FakeEngine engine([](std::string_view) { return kNeeding; });
    ContainerRuns runs(engine.address(), spec());

    const auto refused = runs.check(task("pod"), false);

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, RunnerErrc::task);
    EXPECT_THAT(refused.error().message, HasSubstr("set kubeconfig"));
    EXPECT_TRUE(runs.check(task("pod"), true));
}

TEST(ContainerCheck, AKubeconfigOfTheImagesOwnIsOneToo) {
    FakeEngine engine([](std::string_view) { return kNeeding; });
    auto own = spec();
    own.variables["KUBECONFIG"] = "/etc/kubeconfig";
    ContainerRuns runs(engine.address(), own);

    EXPECT_TRUE(runs.check(task("pod"), false));
}

TEST(ContainerCheck, AProblemWithADockerEngineOfItsOwnNeedsNoKubeconfig) {
    FakeEngine engine([](std::string_view) { return kNeeding; });
    auto with_engine = spec();
    with_engine.engine.image = "docker:dind";
    ContainerRuns runs(engine.address(), with_engine);

    EXPECT_TRUE(runs.check(task("flower_node_stop-detection"), false));
}

TEST(ContainerCheck, AnImageThatSaysNothingAndAnEngineThatIsAwayRefuseNothing) {
    for (const char* answer : {R"({"Config":{"Labels":null}})", R"({"Config":{}})", "{}", "[]"}) {
        FakeEngine engine([&](std::string_view) { return answer; });
        ContainerRuns runs(engine.address(), spec());
        EXPECT_TRUE(runs.check(task("pod"), false)) << answer;
    }
    EngineAddress nowhere;
    nowhere.socket_path = "/nonexistent/engine.sock";
    ContainerRuns runs(nowhere, spec());
    EXPECT_TRUE(runs.check(task("pod"), false));
}

TEST(ContainerCheck, TheEngineIsNotAskedForEachTask) {
    std::atomic<int> asked = 0;
    FakeEngine engine([&](std::string_view target) {
        asked += target.find("/images/") != std::string_view::npos ? 1 : 0;
        return kNeeding;
    });
    ContainerRuns runs(engine.address(), spec());

    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(runs.check(task("pod"), false));
    }

    EXPECT_EQ(asked, 1);
}

// What the runner's health says behind its first line.
std::string advice(const std::string& image_user, const ContainerSpec& spec) {
    FakeEngine engine([&](std::string_view target) -> std::string {
        return target.find("/version") != std::string_view::npos
                   ? R"({"Version":"1"})"
                   : R"({"Id":"i","Config":{"User":")" + image_user + R"("}})";
    });
    const auto said = ContainerRuns(engine.address(), spec).health();
    EXPECT_TRUE(said);
    const auto end = said ? said->find('\n') : std::string::npos;
    return end == std::string::npos ? "" : said->substr(end + 1);
}

TEST(ContainerHealth, SaysWhichKeysAnAgentCanReadWhereItSharesTheDriversUser) {
    auto own = spec();
    own.variables = {{"OPENAI_API_KEY", "sk-1"}, {"MODEL", "m"}, {"hf_token", "t"}};
    EXPECT_EQ(advice("", own), "");
    EXPECT_EQ(advice("root:root", own), "");
    const auto said = advice("1000:1000", own);
    EXPECT_THAT(said, HasSubstr("OPENAI_API_KEY, hf_token in /proc/1/environ"));
    EXPECT_THAT(said, Not(HasSubstr("sk-1")));
    EXPECT_THAT(said, Not(HasSubstr("MODEL")));
    own.user = "0";
    EXPECT_EQ(advice("1000", own), "");
    own.user = "driver";
    EXPECT_THAT(advice("", own), HasSubstr("\"driver\""));
    own.has_init = false;
    EXPECT_EQ(advice("", own), "");
    own.has_init = true;
    own.variables = {{"MODEL", "m"}};
    EXPECT_EQ(advice("", own), "");
}

}  // namespace
}  // namespace opslab::docker
