#include "config_schema_json.hpp"
#include "docker_runner.hpp"

#include <opslab/runner_plugin.hpp>

OPSLAB_RUNNER_PLUGIN(
    "docker",
    OPSLAB_PLUGIN_VERSION,
    opslab::runner_docker::k_config_schema_json.data(),
    opslab::runner_docker::create_docker_runner
);
