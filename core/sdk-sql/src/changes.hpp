#pragma once

#include "rows.hpp"

#include <opslab/sql/histogram.hpp>
#include <opslab/sql/session.hpp>
#include <opslab/storage.hpp>

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace opslab::sql {

/// How an attempt ended: one of the events that leave `running`, and what goes with it.
struct AttemptOutcome {
    TaskEvent event = TaskEvent::failed;
    std::optional<Failure> failure{};
    std::optional<TaskResult> result{};
    std::string error_details{};
    std::string digest{};
    std::optional<Timestamp> not_before{};  ///< of a retry
};

/// What one transaction will write: decisions are made on values, with everything that belongs to
/// a transition (event, counters, outbox row, feed position) noted in one place; `flush` then runs
/// one statement for each kind of row.
class Changes {
public:
    Changes(Timestamp now, Entropy& entropy) : now_(now), entropy_(entropy) {}

    [[nodiscard]] Timestamp now() const { return now_; }

    /// Notes a new pending task and its first event.
    void insert(const Task& task);

    /// pending to running: the next attempt of the task begins, at `lease_now` in the time of
    /// leases (lease_time.hpp), which its deadline is in too where the two clocks differ by a
    /// second or more. Answers the deadline.
    Timestamp begin_attempt(
        TaskRow& row, const WorkerId& worker, Timestamp lease_now, Duration lease
    );

    /// running to whatever `outcome.event` leads to.
    void end_attempt(TaskRow& row, const AttemptOutcome& outcome);

    /// pending to cancelled: no attempt is under way.
    void cancel_pending(TaskRow& row);

    /// Notes what a worker saw, but for what the history has already; `last_seq` is the task's and
    /// moves on. The report's `first_seq` leaves no gap.
    void record(const EventReport& report, std::int64_t& last_seq, Timestamp lease_until);

    void flush(Session& session);

private:
    struct Counts {
        std::array<std::int64_t, kTaskStatuses.size()> by_status{};
        std::int64_t successes = 0;
        std::int64_t total = 0;
    };
    struct WorkerEnds {
        std::int64_t completed = 0;
        std::int64_t failed = 0;
        Json ended = Json::array();
    };

    void move(TaskRow& row, TaskEvent event);
    void note_status(TaskRow& row);
    void count(const std::string& scope, const std::string& name, TaskStatus status, int by);
    void deliver(const Task& task);
    void end_of_worker(const Task& before, TaskStatus ended);
    void flush_tasks(Session& session);
    void flush_counters(Session& session);
    void flush_ends(Session& session);
    [[nodiscard]] Touched touched() const;

    Timestamp now_;
    Entropy& entropy_;
    Json inserted_ = Json::array();
    std::map<std::string, Json> updated_;           // by task id, as it will be
    std::map<std::string, std::int64_t> advanced_;  // by task id: the last event
    Json begun_ = Json::array();
    Json ended_ = Json::array();
    std::map<std::pair<std::string, int>, Json> renewed_;
    Json events_ = Json::array();
    Json cancels_ = Json::array();
    Json deliveries_ = Json::array();
    std::map<std::pair<std::string, std::string>, Counts> counts_;
    std::map<std::pair<std::string, std::string>, Histogram> histograms_;
    std::map<std::string, WorkerEnds> workers_;
};

/// Runs a statement over rows, or nothing where there are none.
std::vector<Json> run_over(Session& session, std::string_view name, Json rows);

}  // namespace opslab::sql
