#pragma once

#include "program_call.hpp"
#include "run_records.hpp"
#include "settings.hpp"
#include "verdict_sink.hpp"

#include <opslab/exec/child_environment.hpp>
#include <opslab/exec/local_runs.hpp>
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

namespace opslab::runner_exec {

/// Runs tasks by four programs of the user's: prepare, run, stop, cleanup (docs/runner-exec.md).
/// `run` is a supervised process like a driver of the process runner and ends with opslab; what it
/// started elsewhere is ended by `stop` and `cleanup`, which a successor calls too.
class ExecRunner final : public Runner {
public:
    /// `supervisor` is the path of `opslab-supervise`.
    ExecRunner(Settings settings, const RunnerHost& host, const std::string& supervisor);

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
    /// What this process knows of a run.
    struct State {
        std::mutex ending{};  ///< one destroy at a time
        std::mutex waiting{};
        Verdict verdict{};
    };

    [[nodiscard]] RunnerResult<std::string> find(const std::vector<std::string>& command) const;
    [[nodiscard]] RunnerStatus find_all() const;
    [[nodiscard]] RunnerResult<RunName> checked(const std::string& worker, const std::string& run)
        const;
    [[nodiscard]] RunnerResult<RunName> name_of(const RunHandle& handle) const;
    [[nodiscard]] std::optional<RunHandle> local_handle(const RunName& name) const;
    [[nodiscard]] exec::ChildEnvironment environment_of(const RunName& name, const char* call)
        const;
    [[nodiscard]] RunnerStatus call(
        const RunName& name,
        const char* which,
        const std::vector<std::string>& command,
        exec::ChildEnvironment environment,
        std::chrono::milliseconds patience,
        Interrupt interrupt
    ) const;
    [[nodiscard]] RunnerStatus prepare_run(const RunName& name, Interrupt interrupt) const;
    [[nodiscard]] RunnerStatus clean_up(const RunName& name) const;
    [[nodiscard]] RunnerResult<RunHandle> launch(
        const RunName& name, const RunRequest& request, Interrupt interrupt
    );
    [[nodiscard]] std::shared_ptr<State> state_of(const RunHandle& handle);
    void forget(const RunHandle& handle);

    Settings settings_;
    RunnerHost host_;
    std::string supervisor_;
    exec::ChildEnvironment environment_;
    RunRecords records_;
    exec::LocalRuns runs_;

    std::mutex mutex_{};
    // shared: a wait goes on with its state while another thread destroys the run
    std::map<std::string, std::shared_ptr<State>> states_{};
};

/// For OPSLAB_RUNNER_PLUGIN, and for tests that link the class.
[[nodiscard]] RunnerResult<std::unique_ptr<Runner>> create_exec_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
);

}  // namespace opslab::runner_exec
