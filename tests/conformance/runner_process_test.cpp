// The process runner, through the library that ships and the loader that loads it.
#include "plugin/guarded_runner.hpp"

#include <opslab/testing/fakes.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace opslab::testing {
namespace {

namespace fs = std::filesystem;

struct Host {
    FakeClock clock{};
    CapturingLogger logger{};
};

RunnerResult<std::unique_ptr<Runner>> open_process_runner(
    const std::string& state_dir, const std::string& command
) {
    static Host host;
    const plugin::RunnerHostFacts facts{host.clock, host.logger, fs::path(state_dir), "0.0.0-test"};
    auto opened = plugin::open_runner(
        fs::path(OPSLAB_PLUGIN_DIR) / "runner-process.so",
        facts,
        R"({"command":[")" + command + R"("],"environment":[],"variables":{}})",
        nullptr
    );
    if (!opened) {
        return runner_fail(RunnerErrc::internal, opened.error().message);
    }
    return std::move(*opened);
}

// Processes that were given the run's directory, and every file that has its name.
std::vector<std::string> leftovers_of(const std::string& state_dir, const std::string& run_id) {
    std::vector<std::string> found;
    for (const auto& process : fs::directory_iterator("/proc")) {
        std::ifstream file(process.path() / "environ", std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();  // not by iterators: they throw where the process ends meanwhile
        if (text.str().find("/" + run_id + "/work") != std::string::npos) {
            found.push_back("process " + process.path().filename().string());
        }
    }
    for (const auto& file : fs::recursive_directory_iterator(state_dir)) {
        if (file.path().string().find(run_id) != std::string::npos) {
            found.push_back(file.path().string());
        }
    }
    return found;
}

RunnerCase process_case() {
    RunnerCase runner;
    runner.name = "process";
    runner.open = [](const std::string& state_dir) {
        return open_process_runner(state_dir, OPSLAB_BIN_DIR "/opslab-driver-simulated");
    };
    runner.open_without_driver = [](const std::string& state_dir) {
        return open_process_runner(state_dir, "no-such-driver");
    };
    runner.leftovers = leftovers_of;
    return runner;
}

INSTANTIATE_TEST_SUITE_P(Process, RunnerConformance, ::testing::Values(process_case()), case_name);

}  // namespace
}  // namespace opslab::testing
