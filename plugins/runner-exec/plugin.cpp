#include "config_schema_json.hpp"
#include "exec_runner.hpp"

#include <opslab/exec/program_path.hpp>
#include <opslab/runner_plugin.hpp>

namespace opslab::runner_exec {
namespace {

[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create(
    const RunnerHost& host, const std::string& config_json
) {
    return create_exec_runner(host, config_json, exec::installed_supervisor());
}

}  // namespace
}  // namespace opslab::runner_exec

OPSLAB_RUNNER_PLUGIN(
    "exec",
    OPSLAB_PLUGIN_VERSION,
    opslab::runner_exec::k_config_schema_json.data(),
    opslab::runner_exec::create
);
