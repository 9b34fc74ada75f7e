#include "fake_engine.hpp"

#include <opslab/docker/container_runs.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace opslab::docker {
namespace {

using ::testing::HasSubstr;

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

}  // namespace
}  // namespace opslab::docker
