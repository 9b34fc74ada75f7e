#pragma once

#include "worker/port.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace opslab::testing {

/// A coordinator in memory: hands out the tasks it is given, remembers what it is told, and can be
/// away or refuse attempts. Tests wait for what they expect; nothing sleeps.
class FakePort final : public WorkerPort {
public:
    // --- what the test arranges ---------------------------------------------------------------
    void offer(
        const std::string& task,
        int attempt = 1,
        Timestamp deadline = Timestamp::max(),
        int timeout_minutes = 0
    );
    void set_running(std::vector<RunningAttempt> attempts);
    void set_away(bool away);
    void make_stale(const std::string& task);
    /// Reports are refused for what is in them, though the attempt is the worker's.
    void refuse_reports();
    /// The next claim fails, and what it would have given runs on the worker all the same.
    void lose_next_claim(RunningAttempt given);
    /// The next claim gives nothing at once, since this runs on the worker already.
    void fill_slots(RunningAttempt with);
    void order_cancel(const std::string& task);

    // --- what the test looks at ---------------------------------------------------------------
    AttemptEnd wait_for_end(const std::string& task);
    void wait_for_events(std::size_t count);
    void wait_until_retired();
    /// Waits until a report failed because the coordinator is away.
    void wait_for_failed_report();
    /// Waits until a claim waits for tasks.
    void wait_for_claim();
    void wait_for_claim_of(const std::string& task);
    void wait_for_reports(int count);
    /// Waits for a heartbeat that says this of the circuit.
    void wait_for_circuit(const std::optional<std::string>& circuit);
    std::size_t unclaimed() const;
    int reports() const;  ///< that were taken
    std::vector<RunEvent> events() const;
    std::vector<std::string> handles() const;
    /// The numbers of the first event of each report that had any.
    std::vector<std::int64_t> first_seqs() const;
    std::size_t ends() const;

    // --- the port -----------------------------------------------------------------------------
    Result<Worker> enroll(const NewWorker& worker) override;
    Result<HeartbeatReceipt> heartbeat(const Heartbeat& beat) override;
    Result<std::vector<ClaimedTask>> claim(const ClaimRequest& request, Duration wait) override;
    Result<ReportReceipt> report(const EventReport& report) override;
    Result<Task> finish(const AttemptEnd& end) override;
    Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override;
    Status retire(const WorkerId& worker) override;
    void release(const WorkerId& worker) override;
    void on_orders(const WorkerId& worker, std::function<void()> look) override;

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<ClaimedTask> offered_;
    std::vector<RunningAttempt> running_;
    std::vector<RunEvent> events_;
    std::vector<std::string> handles_;
    std::vector<std::int64_t> first_seqs_;
    std::optional<RunningAttempt> lost_claim_;
    bool full_ = false;
    bool refusing_ = false;
    std::vector<AttemptEnd> ends_;
    std::set<std::string> stale_;
    std::vector<TaskId> cancels_;
    std::function<void()> look_;
    bool away_ = false;
    bool released_ = false;
    bool retired_ = false;
    int failed_reports_ = 0;
    int reports_ = 0;
    bool claiming_ = false;
    std::optional<std::string> circuit_;
    std::set<std::string> claimed_;
};

}  // namespace opslab::testing
