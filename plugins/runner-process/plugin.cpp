#include "config_schema_json.hpp"
#include "process_runner.hpp"

#include <opslab/exec/program_path.hpp>
#include <opslab/runner_plugin.hpp>

namespace opslab::runner_process {
namespace {

[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create(
    const RunnerHost& host, const std::string& config_json
) {
    return create_process_runner(host, config_json, exec::installed_supervisor());
}

}  // namespace
}  // namespace opslab::runner_process

OPSLAB_RUNNER_PLUGIN(
    "process",
    OPSLAB_PLUGIN_VERSION,
    opslab::runner_process::k_config_schema_json.data(),
    opslab::runner_process::create
);
