// The example's class, linked instead of loaded, under the installed suite.
#include HELLO_SOURCE

#include <opslab/testing/runner_conformance.hpp>

#include <cstdlib>

namespace opslab::testing {
namespace {

RunnerResult<std::unique_ptr<Runner>> open_hello(
    const std::string& state_dir, const std::string& driver
) {
    opslab_host host{};
    host.struct_size = sizeof(host);
    host.state_dir = state_dir.c_str();
    const nlohmann::json config{{"command", {driver}}, {"greeting", "good evening"}};
    return create(RunnerHost{host}, config.dump());
}

RunnerCase hello_case() {
    RunnerCase hello;
    hello.name = "Hello";
    hello.open = [](const std::string& state_dir) {
        const char* driver = std::getenv("OPSLAB_TEST_DRIVER");
        return open_hello(state_dir, driver == nullptr ? "opslab-driver-simulated" : driver);
    };
    hello.open_without_driver = [](const std::string& state_dir) {
        return open_hello(state_dir, "/nonexistent/driver");
    };
    hello.leftovers = [](const std::string&, const std::string&) {
        return std::vector<std::string>{};
    };
    hello.leftovers_shows_runs = false;
    return hello;
}

INSTANTIATE_TEST_SUITE_P(Installed, RunnerConformance, ::testing::Values(hello_case()), case_name);

}  // namespace
}  // namespace opslab::testing
