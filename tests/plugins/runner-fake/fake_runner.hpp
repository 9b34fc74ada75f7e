#pragma once

#include <opslab/runner.hpp>
#include <opslab/runner_plugin.hpp>

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace opslab {

/// Runs nothing: plays what the task's `agent_config.fake` says. It never sleeps. Runs are files in
/// the state directory, so they outlive the instance and the process, like those of a real engine.
///
///     {"check": "why it cannot run here",
///      "start": "invalid|task|infrastructure|interrupted|unsupported|internal|throw",
///      "play": [{"event": {…}}, {"raw_event": "text"}, {"out": "line"}, {"err": "line"},
///               {"block": true}],
///      "wait": "task|infrastructure|not_found|internal|throw",
///      "end": {"how": "exited|signalled|oom", "code": 0}}
///
/// Every part may be left out: a run without any ends at once with exit status 0. `block` goes on
/// when the run is stopped (which ends it with signal 15) or the call is interrupted. A start of
/// `interrupted` waits for the interrupt first. Its problems are what the file `problems` in the
/// state directory holds; the text `fail` makes it fail.
class FakeRunner final : public Runner {
public:
    FakeRunner(const RunnerHost& host, const std::string& config);
    ~FakeRunner() override;

    [[nodiscard]] RunnerStatus check(const TaskSpec& task) override;
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
    /// An event descriptor that becomes readable when the run is stopped.
    class StopSignal;

    [[nodiscard]] std::filesystem::path file_of(const RunHandle& handle) const;
    [[nodiscard]] std::shared_ptr<StopSignal> signal_of(const RunHandle& handle);
    [[nodiscard]] std::size_t count_runs() const;

    RunnerHost host_;
    std::filesystem::path folder_;
    std::string health_{};
    bool unhealthy_ = false;
    std::size_t start_limit_ = 0;
    std::mutex mutex_{};
    std::map<std::string, std::shared_ptr<StopSignal>> signals_{};
};

}  // namespace opslab
