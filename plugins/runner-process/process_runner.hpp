#pragma once

#include "run_directories.hpp"
#include "settings.hpp"

#include <opslab/exec/child_environment.hpp>
#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::runner_process {

class ProcessRun;

/// Runs drivers as child processes. A run dies with the process that started it, so `wait` with a
/// predecessor's handle is `not_found`; `stop` and `destroy` of one clean up what it left.
class ProcessRunner final : public Runner {
public:
    /// `supervisor` is the path of `opslab-supervise`.
    ProcessRunner(Settings settings, RunnerHost host, std::string supervisor);
    ~ProcessRunner() override;

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

private:
    [[nodiscard]] RunnerResult<std::string> find_driver() const;
    [[nodiscard]] RunnerResult<std::shared_ptr<ProcessRun>> launch(
        const RunName& name, const RunRequest& request, Interrupt interrupt
    ) const;
    [[nodiscard]] std::vector<std::string> environment_of(const RunName& name) const;
    [[nodiscard]] std::string mark_of(const RunName& name) const;
    [[nodiscard]] std::shared_ptr<ProcessRun> find(const RunName& name) const;
    [[nodiscard]] RunnerStatus end_predecessors(const RunName& name) const;

    Settings settings_;
    RunnerHost host_;
    std::string supervisor_;
    RunDirectories directories_;
    exec::ChildEnvironment environment_;

    mutable std::mutex mutex_{};
    // shared: a wait goes on with its run while another thread destroys it
    std::map<std::string, std::shared_ptr<ProcessRun>> runs_{};
};

/// For OPSLAB_RUNNER_PLUGIN, and for tests that link the class.
[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create_process_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
);

}  // namespace opslab::runner_process
