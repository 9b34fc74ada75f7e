#include "fake_runner.hpp"

#include <opslab/runner_plugin.hpp>

#include <memory>
#include <string>

namespace opslab {
namespace {

constexpr const char* kSchema = R"({"type": "object", "properties": {
    "health": {"type": "string", "default": "in order", "description": "What `health` answers."},
    "unhealthy": {"type": "boolean", "default": false, "description": "Whether `health` fails."},
    "start_limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000,
        "description": "Runs that may be there at once."}}})";

RunnerResult<std::unique_ptr<Runner>> create_fake_runner(
    const RunnerHost& host, const std::string& config
) {
    return std::unique_ptr<Runner>{std::make_unique<FakeRunner>(host, config)};
}

}  // namespace
}  // namespace opslab

OPSLAB_RUNNER_PLUGIN("fake", OPSLAB_PLUGIN_VERSION, opslab::kSchema, opslab::create_fake_runner);
