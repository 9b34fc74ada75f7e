#pragma once

#include "worker/backoff.hpp"
#include "worker/driver_output.hpp"
#include "worker/lease.hpp"
#include "worker/plugin_crash.hpp"
#include "worker/port.hpp"
#include "worker/reporter.hpp"
#include "worker/wake_fd.hpp"

#include <opslab/runner.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace opslab {

/// Why a run is stopped before its driver has ended.
enum class StopReason : std::uint8_t {
    none,
    cancelled,  ///< the task was cancelled
    deadline,   ///< the attempt's time is up: the sweep gives it its status
    lost,       ///< the attempt is no longer ours
    lapsed,     ///< the lease could not be renewed: the task may be given to someone else
    abandoned,  ///< this worker stops; the run stays for its successor
};

/// The id of a run: its task and attempt.
[[nodiscard]] std::string run_id_of(const TaskId& task, int attempt);

/// Whose a run is, for lines about it and those of the runner's guard: worker, task, attempt.
[[nodiscard]] std::vector<LogField> scope_of(const WorkerId& worker, std::string_view run_id);

/// One attempt on this worker, from the claim (or from what a predecessor left) to its end.
/// `run` is called once, on a thread of its own; `stop` from any thread.
class RunSession {
public:
    struct Context {
        WorkerPort& port;
        Runner& runner;
        Clock& clock;
        Logger& logger;
        WorkerId worker;
        std::chrono::milliseconds stop_grace;
        std::int64_t max_log_bytes;    ///< that a run may store; 0: no limit
        std::string runner_label;      ///< how messages name the runner: `runner "docker"`
        const PluginCrashes& crashes;  ///< of this worker's predecessors
        LeaseNotes* notes = nullptr;   ///< for the guard of this worker's runs, if it has one
        /// Called once a new run's start has ended: null where it worked.
        std::function<void(const RunnerError*)> on_start{};
    };

    /// The lease, `claimed.lease` long (0: it never lapses), was asked for at `asked`.
    RunSession(const Context& context, ClaimedTask claimed, int slot, SteadyTime asked);
    RunSession(const RunSession&) = delete;
    RunSession& operator=(const RunSession&) = delete;
    ~RunSession();

    /// A new run: start, wait, report, finish, destroy.
    void run();
    /// A predecessor's run: go on waiting where `bookmark` says; without one it is gone, and one
    /// whose call crashed the predecessor is failed and removed.
    void resume(const std::optional<std::string>& bookmark);

    /// Ends the run early; the first reason counts. Returns at once.
    void stop(StopReason reason);

    [[nodiscard]] const ClaimedTask& claimed() const { return claimed_; }
    [[nodiscard]] const TaskId& task() const { return claimed_.task.id; }
    [[nodiscard]] int attempt() const { return claimed_.task.attempt; }
    [[nodiscard]] Timestamp deadline() const { return claimed_.deadline; }
    [[nodiscard]] std::string run_id() const { return run_id_of(task(), attempt()); }
    [[nodiscard]] StopReason stop_reason() const { return reason_.load(); }
    [[nodiscard]] const Lease& lease() const { return lease_; }
    /// After the end: something of the run may be there still, since its runner could not remove
    /// it.
    [[nodiscard]] bool left_something() const { return left_something_; }

private:
    void attempt_run();
    [[nodiscard]] const PluginCrash* crash_before() const;
    void fail_after_crash(const PluginCrash& crash, const std::optional<RunBookmark>& found);
    [[nodiscard]] RunnerStatus await_lease();
    [[nodiscard]] std::chrono::milliseconds grace() const;
    [[nodiscard]] bool has_lapsed() const;
    [[nodiscard]] RunnerResult<RunHandle> start_run();
    void follow(const RunBookmark& from);
    void settle(
        const RunHandle* handle, const DriverOutput* output, const RunnerResult<RunEnd>& end
    );
    struct ToldFailure {
        Failure failure{};
        std::string details{};
    };
    [[nodiscard]] std::optional<ToldFailure> why_failed(
        const DriverOutput* output, const RunnerResult<RunEnd>& end
    );
    void finish(std::variant<TaskResult, Failure> outcome, std::string error_details);
    void destroy(const RunHandle& handle);
    [[nodiscard]] bool pause(Backoff& backoff);
    [[nodiscard]] bool pause(Backoff& backoff, const std::function<bool()>& is_over);
    [[nodiscard]] bool end_by_force(const RunHandle& handle);
    [[nodiscard]] std::optional<ToldFailure> why_refused() const;
    void begin_stopping(const RunHandle& handle);
    void stop_at_last(const RunHandle& handle);
    void end_stopping();
    void phase(PhaseEdge edge);
    /// What this is, for its own lines and those of the runner's guard.
    [[nodiscard]] std::vector<LogField> subject() const;
    void note(LogLevel level, std::string_view message, const std::string& error = {});

    Context context_;
    ClaimedTask claimed_;
    int slot_;
    bool is_inherited_ = false;  // a predecessor had started it
    WakeFd give_up_;  // ends prepare and start: any reason to stop, the end of the lease itself
    WakeFd leave_;    // ends wait: the run is abandoned
    std::atomic<StopReason> reason_{StopReason::none};
    std::atomic<bool> left_something_{false};
    std::atomic<bool> abandoned_{false};  // whatever the first reason was
    std::mutex mutex_;                    // guards the three below
    bool settled_ = false;                // nothing is left to stop
    std::optional<RunHandle> handle_;     // once there is something to stop
    std::condition_variable over_;        // settled_ has changed
    std::thread stopper_;                 // runs Runner::stop, which takes up to the grace
    Lease lease_;
    Reporter reporter_;  // last: its thread calls stop()
};

}  // namespace opslab
