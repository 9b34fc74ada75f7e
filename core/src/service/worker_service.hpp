#pragma once

#include "service/change_hub.hpp"
#include "service/claim_desk.hpp"
#include "service/group_commit.hpp"
#include "service/observer.hpp"

#include <opslab/storage.hpp>

#include <map>
#include <optional>
#include <vector>

namespace opslab {

/// What workers do. Threads: all calls from any. Reads block on the storage; writes reply from a
/// committer's thread, which must not block.
class WorkerService {
public:
    struct Settings {
        Duration lease = std::chrono::seconds{60};
        RetryPolicy retry{};
        Duration claim_poll = std::chrono::seconds{5};
    };

    WorkerService(
        Storage& storage,
        Clock& clock,
        Entropy& entropy,
        ChangeHub& hub,
        ServiceObserver& observer,
        const Settings& settings
    );

    /// With `Takeover::refuse` an id that is registered and not offline is a `conflict`, unless
    /// both were registered by the same instance: then the registered one is the dead self of the
    /// one that asks. Of the problems that it tells of, those of the built-in table are not kept.
    [[nodiscard]] Result<Worker> enroll(const NewWorker& worker, Takeover takeover);

    /// Errors: `not_found`.
    void heartbeat(const Heartbeat& beat, Reply<HeartbeatReceipt> reply);

    /// See `ClaimDesk::claim`.
    void claim(
        const ClaimRequest& request,
        Duration wait,
        Reply<ClaimDesk::Claimed> reply,
        ClaimDesk::Gone gone = nullptr
    ) {
        desk_.claim(request, wait, std::move(reply), std::move(gone));
    }

    /// Stores what a worker saw, gives ids to its logs. Errors: `not_found`, `stale_attempt`.
    void record(EventReport report, Reply<ReportReceipt> reply);

    /// Ends an attempt. Errors: `not_found`, `stale_attempt`.
    void finish(AttemptEnd end, Reply<Task> reply);

    /// A worker stops cleanly. Errors: `not_found`.
    [[nodiscard]] Status retire(const WorkerId& worker);

    [[nodiscard]] Result<std::vector<RunningAttempt>> running(const WorkerId& worker);

    /// Errors: `not_found`.
    [[nodiscard]] Result<Worker> find(const WorkerId& worker);
    [[nodiscard]] Result<std::vector<Worker>> list(const WorkerQuery& query);
    /// Errors: `not_found`.
    [[nodiscard]] Result<WorkerStats> stats(const WorkerId& worker);

    [[nodiscard]] ClaimDesk& desk() { return desk_; }
    [[nodiscard]] ChangeHub& changes() { return hub_; }

private:
    [[nodiscard]] Result<std::vector<Result<ReportReceipt>>> commit_reports(
        std::span<const EventReport> reports
    );
    [[nodiscard]] Result<std::vector<Result<Task>>> commit_ends(std::span<const AttemptEnd> ends);

    [[nodiscard]] Result<Worker> store(const NewWorker& worker, Takeover takeover);
    void count_stale(std::string_view verb, std::size_t stale);
    void observe_phases(const EventReport& report);

    Storage& storage_;
    Clock& clock_;
    Entropy& entropy_;
    ChangeHub& hub_;
    ServiceObserver& observer_;
    Settings settings_;
    /// Phases that have begun, for the metrics; the committer of reports alone touches it.
    std::map<TaskId, PhaseEvent> open_phases_;
    ClaimDesk desk_;
    GroupCommit<Heartbeat, HeartbeatReceipt> beats_;
    GroupCommit<EventReport, ReportReceipt> reports_;
    GroupCommit<AttemptEnd, Task> ends_;
};

}  // namespace opslab
