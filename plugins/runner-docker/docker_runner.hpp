#pragma once

#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <memory>
#include <string>

namespace opslab::runner_docker {

/// A runner whose runs are containers of a Docker engine. Makes no call yet. Fails: `invalid`.
[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create_docker_runner(
    const RunnerHost& host, const std::string& config_json
);

}  // namespace opslab::runner_docker
