#include "config_schema_json.hpp"
#include "kind_runner.hpp"

#include <opslab/exec/program_path.hpp>
#include <opslab/runner_plugin.hpp>

namespace opslab::runner_kind {
namespace {

[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create(
    const RunnerHost& host, const std::string& config_json
) {
    return create_kind_runner(host, config_json, exec::installed_supervisor());
}

}  // namespace
}  // namespace opslab::runner_kind

OPSLAB_RUNNER_PLUGIN(
    "kind",
    OPSLAB_PLUGIN_VERSION,
    opslab::runner_kind::k_config_schema_json.data(),
    opslab::runner_kind::create
);
