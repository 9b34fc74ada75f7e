// The docker runner, through the library that ships and the loader that loads it, on a real engine.
#include "integration/docker_test_image.hpp"
#include "plugin/guarded_runner.hpp"

#include <opslab/testing/fakes.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <filesystem>

namespace opslab::testing {
namespace {

namespace fs = std::filesystem;

struct Host {
    FakeClock clock{};
    CapturingLogger logger{};
};

// The scope is the test's own, so that tests at the same time, which use the same worker ids, do
// not see each other's runs.
RunnerResult<std::unique_ptr<Runner>> open_docker_runner(
    const std::string& state_dir, const std::string& image
) {
    static Host host;
    const plugin::RunnerHostFacts facts{host.clock, host.logger, fs::path(state_dir), "0.0.0-test"};
    const std::string scope = fs::path(state_dir).filename();
    auto opened = plugin::open_runner(
        fs::path(OPSLAB_PLUGIN_DIR) / "runner-docker.so",
        facts,
        R"({"network":"none","pull":"never","image":")" + image + R"(","scope":")" + scope +
            R"("})",
        nullptr
    );
    if (!opened) {
        return runner_fail(RunnerErrc::internal, opened.error().message);
    }
    return std::move(*opened);
}

std::vector<std::string> leftovers_of(const std::string& /*state_dir*/, const std::string& run_id) {
    docker::Engine engine(test_engine_address());
    std::vector<std::string> found;
    const auto containers = engine.list({{"opslab.run", run_id}}).value();
    for (const auto& container : containers) {
        found.push_back("container " + container.id);
    }
    return found;
}

RunnerCase docker_case() {
    RunnerCase runner;
    runner.name = "docker";
    runner.open = [](const std::string& state_dir) {
        return open_docker_runner(state_dir, test_image());
    };
    runner.open_without_driver = [](const std::string& state_dir) {
        return open_docker_runner(state_dir, "opslab/no-such-image:none");
    };
    runner.leftovers = leftovers_of;
    runner.runs_outlive_host = true;
    return runner;
}

INSTANTIATE_TEST_SUITE_P(Docker, RunnerConformance, ::testing::Values(docker_case()), case_name);

}  // namespace
}  // namespace opslab::testing
