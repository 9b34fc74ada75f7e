#pragma once

#include "worker/circuit.hpp"
#include "worker/plugin_crash.hpp"
#include "worker/port.hpp"
#include "worker/run_session.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace opslab {

/// A worker: enrols, picks up what a predecessor of its id left, then claims tasks for its free
/// slots and runs each on a thread of its own, with heartbeats, cancel orders and deadlines.
/// The same loop serves inside a coordinator and elsewhere; only the port differs.
class WorkerLoop {
public:
    struct Settings {
        NewWorker identity{};
        /// How messages name its runner; empty: `runner "BACKEND_TYPE"`.
        std::string runner_label{};
        Duration heartbeat_interval = std::chrono::seconds{30};
        /// While something runs, where orders come with heartbeats alone.
        Duration busy_heartbeat_interval = std::chrono::seconds{30};
        std::chrono::milliseconds stop_grace = std::chrono::seconds{30};
        std::int64_t max_log_bytes = std::int64_t{256} << 20U;  ///< that a run may store; 0: any
        /// Of leases whose length the coordinator does not tell; 0: they never lapse, since nobody
        /// else can give the tasks away.
        Duration lease = std::chrono::seconds{60};
        LeaseNotes* notes = nullptr;  ///< of this worker's runs, for its guard; outlives the loop
        Duration claim_wait = std::chrono::seconds{20};
        /// What ended its predecessors is not tried again, or it might end this one too.
        PluginCrashes crashes{};
    };

    WorkerLoop(WorkerPort& port, Runner& runner, Clock& clock, Logger& logger, Settings settings);
    WorkerLoop(const WorkerLoop&) = delete;
    WorkerLoop& operator=(const WorkerLoop&) = delete;
    /// Stops at once, leaving runs to a successor.
    ~WorkerLoop();

    /// Starts the threads. Once.
    void start();

    /// Takes no more tasks. Returns at once; fine before `start` and twice.
    void drain();

    /// Waits until no run is left, at most until `deadline`. True if none is left.
    bool wait_until_idle(SteadyTime deadline);

    /// Ends the loop: runs that are still there are abandoned (a successor picks them up), the
    /// worker goes offline. Fine before `start` and twice.
    void stop();

    [[nodiscard]] const WorkerId& id() const { return settings_.identity.id; }
    [[nodiscard]] int slots() const { return settings_.identity.max_parallel_tasks; }
    [[nodiscard]] int busy_slots() const;
    struct Condition {
        bool enrolled = false;  ///< known to its coordinator, and its predecessor's runs taken over
        bool draining = false;
        int busy = 0;
        std::optional<std::string> circuit_open{};  ///< why nothing is claimed for now
    };
    [[nodiscard]] Condition condition() const;
    [[nodiscard]] bool running() const { return running_; }

private:
    /// Between tries while the coordinator is away.
    static constexpr Duration kFirstPause = std::chrono::milliseconds{200};
    static constexpr Duration kLongestPause = std::chrono::seconds{10};

    struct Slot {
        std::unique_ptr<RunSession> session;  // null: free
        std::thread thread;
        bool done = false;
    };

    void control();       // enrol, recover, then heartbeats, orders, deadlines
    void claim();         // claims while slots are free
    void watch_leases();  // ends runs whose lease lapses; never waits for anything else
    bool enroll();
    bool recover();
    bool adopt(const std::vector<RunningAttempt>& attempts);
    bool remove_leftovers(const std::vector<RunningAttempt>& attempts);
    void forget_leases_but(const std::vector<RunningAttempt>& attempts);
    [[nodiscard]] bool beat();
    [[nodiscard]] bool pick_up_unanswered();
    void check_deadlines();
    void note_standstill(Duration late);
    [[nodiscard]] SteadyTime next_control(SteadyTime next_beat) const;
    void begin(
        ClaimedTask claimed, SteadyTime asked, bool resumed, std::optional<std::string> bookmark
    );
    void reap();
    [[nodiscard]] RunnerStatus tidy();
    [[nodiscard]] RunnerStatus remove(const OwnedRun& run);
    [[nodiscard]] bool listing_crashes();
    void note_start(const RunnerError* error);
    void open_circuit(const RunnerError& why);
    void note_opened(bool was_open, const RunnerError& why);
    bool look_at_place(std::unique_lock<std::mutex>& lock);
    void tell_circuit();
    void tell_once(const char* what, const RunnerError& why);
    [[nodiscard]] int room(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] int free_slots() const;
    [[nodiscard]] bool runs(const Task& task) const;
    [[nodiscard]] bool pause(std::unique_lock<std::mutex>& lock, Duration length);
    [[nodiscard]] bool pause(Duration length);
    void note(LogLevel level, std::string_view message, const std::string& error = {});

    WorkerPort& port_;
    Runner& runner_;
    Clock& clock_;
    Logger& logger_;
    Settings settings_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;  // anything below changed
    std::vector<Slot> slots_;
    std::set<std::string> left_;  // run ids that are not removed, and were told of
    bool enrolled_ = false;       // and recovered: claims may begin
    bool untidy_ = false;         // a run that ended here may be there still
    bool look_ = false;           // a heartbeat is wanted now
    Circuit circuit_;
    bool doubtful_ = false;                      // a start failed: the place may know why
    bool place_is_fine_ = false;                 // as it said after the circuit's last pause
    std::optional<std::string> circuit_told_{};  // what heartbeats say of the circuit
    bool draining_ = false;
    bool stopping_ = false;
    std::atomic<bool> running_{false};
    std::thread control_;
    std::thread claim_;
    std::thread lease_watch_;
};

}  // namespace opslab
