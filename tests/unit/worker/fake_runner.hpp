#pragma once

#include <opslab/runner.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace opslab::testing {

/// A runner without processes: each run does what its script says, on the thread of `wait`.
class FakeRunner final : public Runner {
public:
    struct Run {
        std::string run_id{};
        std::optional<std::string> position{};
        RunSink* sink = nullptr;
        /// True once `stop` was called; waits for it, or for the interrupt (then false).
        std::function<bool()> until_stopped{};
    };
    using Script = std::function<RunnerResult<RunEnd>(const Run&)>;

    void set_script(Script script) { script_ = std::move(script); }
    void fail_start(RunnerError error);
    void fail_health(RunnerError error);
    /// Starts and lists work and the place is in order.
    void recover();
    void fail_check(RunnerError error) { check_error_ = std::move(error); }
    void fail_destroys(int count) { failing_destroys_ = count; }
    void fail_stops(int count) { failing_stops_ = count; }
    void fail_lists(RunnerError error);
    void own(const std::string& run_id);
    /// What `problems` answers; nothing: not known.
    void know(std::optional<std::string> problems);
    void fail_problems(RunnerError error);
    std::string asked_problems_of() const;  ///< the worker of the last call

    void wait_until_waiting(const std::string& run_id);
    void wait_until_destroyed(const std::string& run_id);
    bool was_stopped(const std::string& run_id) const;
    bool exists(const std::string& run_id) const;

    RunnerStatus check(const TaskSpec& task) override;
    RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt) override;
    RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    ) override;
    RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace) override;
    RunnerStatus destroy(const RunHandle& handle) override;
    RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override;
    RunnerResult<std::string> health() override;
    RunnerResult<std::optional<std::string>> problems(const WorkerId& worker) override;

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Script script_;
    RunnerResult<std::optional<std::string>> problems_{std::nullopt};
    std::string asked_problems_of_;
    std::optional<RunnerError> start_error_;
    std::optional<RunnerError> check_error_;
    std::optional<RunnerError> health_error_;
    std::optional<RunnerError> list_error_;
    int failing_destroys_ = 0;
    int failing_stops_ = 0;
    std::set<std::string> existing_;
    std::set<std::string> waiting_;
    std::set<std::string> stopped_;
    std::set<std::string> destroyed_;
};

}  // namespace opslab::testing
