#pragma once

#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <memory>
#include <string>

namespace opslab::runner_kind {

/// A runner that gives each run a kind cluster, and a container beside it for the driver.
/// `supervisor` is the path of `opslab-supervise`. Looks for the tools, and touches nothing yet: a
/// worker's clusters are taken up, and what an earlier process left half made is removed, when the
/// worker begins its work. Fails: `invalid`.
[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create_kind_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
);

}  // namespace opslab::runner_kind
