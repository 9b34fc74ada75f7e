#pragma once

#include "settings.hpp"

#include <opslab/exec/child_environment.hpp>
#include <opslab/exec/local_runs.hpp>
#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::runner_process {

/// Runs drivers as child processes. A run dies with the process that started it, so `wait` with a
/// predecessor's handle is `not_found`; `stop` and `destroy` of one clean up what it left.
class ProcessRunner final : public Runner {
public:
    /// `supervisor` is the path of `opslab-supervise`.
    ProcessRunner(Settings settings, const RunnerHost& host, const std::string& supervisor);

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override;
    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    ) override;
    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace)
        override;
    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle) override;
    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override;
    [[nodiscard]] RunnerResult<std::string> health() override;
    [[nodiscard]] RunnerResult<std::optional<std::string>> problems(const WorkerId& worker
    ) override;

private:
    [[nodiscard]] RunnerResult<std::string> find_driver() const;

    Settings settings_;
    exec::ChildEnvironment environment_;
    exec::LocalRuns runs_;
};

/// For OPSLAB_RUNNER_PLUGIN, and for tests that link the class.
[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create_process_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
);

}  // namespace opslab::runner_process
