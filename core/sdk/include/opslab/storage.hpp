#pragma once

#include <opslab/error.hpp>
#include <opslab/logger.hpp>
#include <opslab/retry.hpp>
#include <opslab/task.hpp>
#include <opslab/time.hpp>
#include <opslab/worker.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What a storage plugin owes. Interfaces are verbs of the domain: one call = one transaction =
/// one promise. Calls take and return batches; a single row is a batch of one, and an empty batch
/// is a call that does nothing.
///
/// For all calls:
/// - Errors: the outer `Result` fails as a whole (nothing happened) with `unavailable` (database
///   away, locked or full), `timeout` or `internal`. The inner results tell item by item; a refused
///   item changes nothing and does not spoil its neighbours.
/// - Threads: any call from any thread at any time.
/// - Interruption: a call returns within the storage's own time-out; nothing else interrupts it.
/// - Durability: what a returned call promised survives a kill of this process and of the machine.
/// - Time is the host's clock (`StorageHost::clock`), or the database's own where that clock
///   `is_system()`.
namespace opslab {

inline constexpr int kMaxTasksPerSubmission = 1000;
inline constexpr int kMaxEventsPerReport = 1000;

// --- submitting and reading tasks -------------------------------------------------------------

enum class KeySpace : std::uint8_t { task, batch };

/// A client's `Idempotency-Key`, with a fingerprint of the body it came with.
struct IdempotencyKey {
    KeySpace space = KeySpace::task;
    std::string key{};
    std::string fingerprint{};
};

/// One request's tasks: stored all or none.
struct Submission {
    std::vector<NewTask> tasks{};
    std::optional<IdempotencyKey> key{};
    std::optional<Error> refusal{};  ///< why nothing is to be stored; a replay is answered even so
};

/// What became of a submission. On a replay `tasks` are those of the first one, as they are now.
struct Submitted {
    bool replayed = false;
    std::vector<Task> tasks{};
};

enum class TaskSort : std::uint8_t { created_up, created_down, priority_up, priority_down };

/// Where a page ended: the sort value (microseconds or priority) and the id of its last row.
struct TaskCursor {
    std::int64_t value = 0;
    TaskId id{};
};

struct TaskQuery {
    std::optional<TaskStatus> status{};
    std::optional<std::string> problem_id{};
    std::optional<WorkerId> worker_id{};
    std::optional<std::string> backend_type{};
    std::optional<std::string> group_id{};
    TaskSort sort = TaskSort::created_down;
    int limit = 20;
    std::int64_t offset = 0;
    std::optional<TaskCursor> after{};  ///< keyset paging; with it `offset` is 0
};

struct TaskPage {
    std::vector<Task> tasks{};
    std::int64_t total = 0;  ///< all that match the filters, whatever the page
    bool more = false;
};

struct StatusCounts {
    std::int64_t pending = 0;
    std::int64_t running = 0;
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    std::int64_t timeout = 0;
    std::int64_t cancelled = 0;

    bool operator==(const StatusCounts&) const = default;
};

struct QueueCounts {
    StatusCounts tasks{};
    std::int64_t workers_idle = 0;
    std::int64_t workers_busy = 0;
    std::int64_t workers_offline = 0;

    bool operator==(const QueueCounts&) const = default;
};

/// Seconds. Quantiles come from kept histogram counters (buckets of a tenth or finer), not from a
/// scan, so they cost the same at any size. All null where nothing was counted.
struct DurationStats {
    std::optional<double> average{};
    std::optional<double> p50{};
    std::optional<double> p95{};
};

struct GroupCounts {
    std::string name{};  ///< a problem id or a worker id
    StatusCounts counts{};
};

struct TaskStats {
    StatusCounts by_status{};
    std::int64_t successes = 0;             ///< completed with `success: true`
    DurationStats duration{};               ///< start to end of the last attempt of ended tasks
    DurationStats queue{};                  ///< creation to first claim
    std::vector<GroupCounts> by_problem{};  ///< at most 100, largest first
    std::vector<GroupCounts> by_worker{};   ///< at most 100, largest first
};

/// A worker and how many attempts it runs now.
struct WorkerLoad {
    Worker worker{};
    int running = 0;
};

/// What decides when a task runs, beside the task itself; all of it of one moment.
struct Outlook {
    /// In the time that `lease_until`, `not_before` and deadlines are counted in, which may be the
    /// database's own.
    Timestamp now{};
    /// Of a pending task: how many pending ones come before it in claim order, may be claimed now
    /// and fit a backend type that this one fits.
    std::int64_t ahead = 0;
    std::optional<Timestamp> lease_until{};  ///< of a running one
    std::int64_t last_seq = 0;               ///< of its history
    std::vector<WorkerLoad> workers{};       ///< all that are registered, by id
    /// From start to end, of ended tasks of the same problem; of all where none of it has ended.
    DurationStats usual{};
};

class TaskStore {
public:
    TaskStore() = default;
    TaskStore(const TaskStore&) = delete;
    TaskStore& operator=(const TaskStore&) = delete;
    virtual ~TaskStore() = default;

    /// Stores each submission, all its tasks or none, in the order given (within one submission the
    /// order of its tasks is the order of `created_at`, microsecond ties broken by id). A key that
    /// was used before with the same fingerprint answers the first tasks (`replayed`); with another
    /// fingerprint that item is `conflict` with reason `idempotency_conflict`. Any other submission
    /// with a `refusal` stores nothing, its key neither, and that item is the refusal. Idempotent
    /// with a key. Writes a status event for each new task.
    [[nodiscard]] virtual Result<std::vector<Result<Submitted>>> submit(
        std::span<const Submission> submissions
    ) = 0;

    /// The details of those tasks that exist, in the order of `ids`; unknown ids are left out.
    [[nodiscard]] virtual Result<std::vector<TaskDetail>> details(std::span<const TaskId> ids) = 0;

    /// A page of tasks. Ties in the sort are broken by id in the same direction.
    [[nodiscard]] virtual Result<TaskPage> list(const TaskQuery& query) = 0;

    /// Kept counters; constant cost.
    [[nodiscard]] virtual Result<QueueCounts> counts() = 0;

    /// Kept counters; constant cost.
    [[nodiscard]] virtual Result<TaskStats> stats() = 0;

    /// Errors: `not_found`; `unsupported` by a storage that cannot tell.
    [[nodiscard]] virtual Result<Outlook> outlook(const TaskId& /*task*/) {
        return fail(Errc::unsupported, "this storage cannot tell what a task waits for");
    }

    /// Cancels each task at once: pending or running becomes `cancelled`, a running attempt loses
    /// its lease (its worker's later writes are stale) and its id is put on the worker's cancel
    /// list (`WorkerStore::heartbeat`). Item errors: `not_found`; `conflict` if already terminal.
    [[nodiscard]] virtual Result<std::vector<Result<Task>>> cancel(std::span<const TaskId> ids) = 0;
};

// --- running attempts -------------------------------------------------------------------------

struct ClaimRequest {
    WorkerId worker{};
    int max = 1;  ///< 1 to 1,000; never more than the worker's free slots are given
};

struct ClaimedTask {
    Task task{};                ///< already running, with its attempt number
    Timestamp deadline{};       ///< of this attempt: its start plus `timeout_minutes`
    std::int64_t last_seq = 0;  ///< of the task's history: its first event will be the next
    Duration lease{0};          ///< not the storage's: what the coordinator tells the worker of it
};

struct ClaimPolicy {
    Duration lease = std::chrono::seconds{60};
};

/// What a worker saw, in order. `handle`, if given, is the runner's handle of this run: kept with
/// the attempt so that a successor can pick the run up. `first_seq`, if given, is the place in the
/// task's history that the first event was meant for: while an attempt runs only its worker adds to
/// the history, so a report whose answer was lost can be sent again, and what is there is skipped.
struct EventReport {
    TaskId task{};
    int attempt = 1;
    WorkerId worker{};
    std::vector<RunEvent> events{};
    std::optional<std::string> handle{};
    std::optional<std::int64_t> first_seq{};
};

struct ReportReceipt {
    Timestamp deadline{};
    std::int64_t last_seq = 0;  ///< of the task's history, with this report
    Duration lease{0};          ///< not the storage's: what the coordinator tells the worker of it
};

/// How a worker says that an attempt ended. `digest` is a fingerprint of the request: exactly the
/// same end again by the same worker and attempt is answered with the task, not refused.
struct AttemptEnd {
    TaskId task{};
    int attempt = 1;
    WorkerId worker{};
    std::variant<TaskResult, Failure> outcome{};
    std::string error_details{};  ///< with a failure: what is known, for a person
    std::string digest{};
};

struct SweepPolicy {
    Duration heartbeat_timeout = std::chrono::seconds{60};
    bool expire_leases = true;     ///< false in the first heartbeat time-out after a start
    Duration worker_retention{0};  ///< how long an offline worker is kept; zero: for ever
    RetryPolicy retry{};
    int limit = 500;  ///< tasks in one call; call again while `more`
};

struct SweepReport {
    std::vector<Task> timed_out{};
    std::vector<Task> lost{};  ///< pending again (a retry) or failed
    std::vector<WorkerId> workers_offline{};
    std::vector<WorkerId> workers_forgotten{};
    bool more = false;
};

/// A running attempt as its worker's successor finds it.
struct RunningAttempt {
    Task task{};
    Timestamp deadline{};
    std::optional<std::string> handle{};
    std::int64_t last_seq = 0;  ///< of the task's history
};

class RunStore {
public:
    RunStore() = default;
    RunStore(const RunStore&) = delete;
    RunStore& operator=(const RunStore&) = delete;
    virtual ~RunStore() = default;

    /// Gives tasks to workers: priority high to low, then oldest first, among pending tasks whose
    /// backend type and problem fit the worker and whose `not_before` has come. Exclusive: no task
    /// goes to two. Starts attempt n+1 with a lease of `policy.lease`, writes a status event, sets
    /// the worker busy. Requests are served in order. Item errors: `not_found` (no such worker),
    /// `conflict` (it is offline).
    [[nodiscard]] virtual Result<std::vector<Result<std::vector<ClaimedTask>>>> claim(
        std::span<const ClaimRequest> requests, const ClaimPolicy& policy
    ) = 0;

    /// Stores what workers saw and renews their leases to now + `policy.lease`. With `first_seq`,
    /// events whose place in the history is taken are skipped (they are there already). Item
    /// errors: `not_found` (no such task or worker), `stale_attempt` (not this worker's running
    /// attempt, for whatever reason), `conflict` with reason `sequence_gap` (`first_seq` is past
    /// the end of the history: something before it was never stored).
    [[nodiscard]] virtual Result<std::vector<Result<ReportReceipt>>> record(
        std::span<const EventReport> reports, const ClaimPolicy& policy
    ) = 0;

    /// Ends attempts. A result makes the task `completed`. A failure whose kind `is_retried` makes
    /// it `pending` again after `retry_delay(attempt, …)` while attempt <= max_retries, and any
    /// other `failed`. Writes the status event, counters and, for a terminal status with a callback
    /// URL, the outbox row. Idempotent by `digest`, also where the task was retried since.
    /// Item errors as for `record`.
    [[nodiscard]] virtual Result<std::vector<Result<Task>>> finish(
        std::span<const AttemptEnd> ends, const RetryPolicy& retry
    ) = 0;

    /// Ends what nobody ends: attempts past their deadline become `timeout`; attempts whose lease
    /// ran out are lost (`worker_lost`: retried or `failed`), workers without a heartbeat become
    /// `offline`. A deadline wins over a lease. Forgets workers whose last heartbeat is older than
    /// `policy.worker_retention`, that are offline and hold no running attempt; what they ran
    /// stays. Guarded: two may sweep at once.
    [[nodiscard]] virtual Result<SweepReport> sweep(const SweepPolicy& policy) = 0;

    /// The attempts that a worker runs now, oldest first.
    [[nodiscard]] virtual Result<std::vector<RunningAttempt>> running(const WorkerId& worker) = 0;
};

// --- workers ----------------------------------------------------------------------------------

struct Heartbeat {
    WorkerId worker{};
    WorkerStatus status = WorkerStatus::idle;  ///< idle or busy
    std::optional<TaskId> current_task{};
    std::optional<std::string> circuit_open{};  ///< why the worker claims nothing for now
    bool wants_hint = false;
};

struct HeartbeatReceipt {
    std::optional<TaskId> next_task{};  ///< a hint: what a claim would have given just now
    std::vector<TaskId> cancel{};       ///< cancelled tasks that the worker should stop
};

enum class Takeover : std::uint8_t {
    refuse,   ///< an id that is registered and not offline is a conflict
    succeed,  ///< the caller knows that the predecessor is dead (its own embedded worker)
};

struct WorkerQuery {
    std::optional<WorkerStatus> status{};
    std::optional<std::string> backend_type{};
};

struct WorkerStats {
    StatusCounts counts{};  ///< attempts of this worker by their status
    DurationStats duration{};
};

class WorkerStore {
public:
    WorkerStore() = default;
    WorkerStore(const WorkerStore&) = delete;
    WorkerStore& operator=(const WorkerStore&) = delete;
    virtual ~WorkerStore() = default;

    /// Registers a worker, idle, its heartbeat now. An offline one registers again, its counters
    /// kept. Errors: `conflict`.
    [[nodiscard]] virtual Result<Worker> enroll(const NewWorker& worker, Takeover takeover) = 0;

    /// Notes heartbeats: status and current task as given, and renews the leases of all the
    /// worker's running attempts to now + `policy.lease`. A task on the cancel list is answered at
    /// least once, and again until a later heartbeat does not name it. An offline worker that beats
    /// is back. Item errors: `not_found`.
    [[nodiscard]] virtual Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) = 0;

    /// Sets a worker offline at its own wish (a clean stop). Its running attempts keep their
    /// leases. Idempotent. Errors: `not_found`.
    [[nodiscard]] virtual Status retire(const WorkerId& worker) = 0;

    /// Errors: `not_found`.
    [[nodiscard]] virtual Result<Worker> find(const WorkerId& worker) = 0;

    /// By id.
    [[nodiscard]] virtual Result<std::vector<Worker>> list(const WorkerQuery& query) = 0;

    /// Errors: `not_found`.
    [[nodiscard]] virtual Result<WorkerStats> stats(const WorkerId& worker) = 0;
};

// --- history ----------------------------------------------------------------------------------

struct LogQuery {
    TaskId task{};
    LogLevel min_level = LogLevel::debug;
    std::optional<Timestamp> since{};  ///< exclusive
    std::int64_t after_seq = 0;        ///< exclusive
    int limit = 100;
};

struct StoredLog {
    std::int64_t seq = 0;
    int attempt = 0;
    LogEvent log{};
};

struct StoredStep {
    int attempt = 0;
    StepEvent step{};
};

struct FeedQuery {
    std::int64_t after = 0;  ///< exclusive position
    std::optional<std::string> problem_id{};
    std::optional<TaskStatus> status{};  ///< of the attempt
    std::optional<std::string> group_id{};
    int limit = 16;
};

/// A finished attempt, in the order of finishing. A reader that keeps the last `position` it saw
/// gets every finished attempt exactly once: nothing is ever added at or before a position that a
/// call has returned.
struct FinishedAttempt {
    std::int64_t position = 0;
    TaskId task{};
    Attempt attempt{};
    std::optional<TaskResult> result{};
};

struct FeedPage {
    std::vector<FinishedAttempt> attempts{};
    std::int64_t position = 0;  ///< go on from here (past rows that the filters left out)
    bool more = false;
};

class HistoryStore {
public:
    HistoryStore() = default;
    HistoryStore(const HistoryStore&) = delete;
    HistoryStore& operator=(const HistoryStore&) = delete;
    virtual ~HistoryStore() = default;

    /// A task's events after `after_seq`, in order, at most `limit`. An unknown task has none.
    [[nodiscard]] virtual Result<std::vector<StoredEvent>> events(
        const TaskId& task, std::int64_t after_seq, int limit
    ) = 0;

    /// A task's logs in order. An unknown task has none.
    [[nodiscard]] virtual Result<std::vector<StoredLog>> logs(const LogQuery& query) = 0;

    /// The steps of one attempt by step number (then arrival), `attempt` 0 meaning the last one.
    [[nodiscard]] virtual Result<std::vector<StoredStep>> steps(
        const TaskId& task, int attempt
    ) = 0;

    /// Finished attempts (completed, failed, timed out, cancelled after a start).
    [[nodiscard]] virtual Result<FeedPage> feed(const FeedQuery& query) = 0;
};

// --- callbacks --------------------------------------------------------------------------------

struct Delivery {
    DeliveryId id{};
    TaskId task{};
    TaskStatus status = TaskStatus::completed;
    std::string url{};
    int tries = 0;  ///< made before this one
};

struct DeliveryOutcome {
    DeliveryId id{};
    /// Nothing: it is done with (delivered or given up). Otherwise: try again after this delay.
    std::optional<Duration> again_after{};
    int tries = 0;  ///< made by now, where it is tried again
};

class Outbox {
public:
    Outbox() = default;
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    virtual ~Outbox() = default;

    /// Deliveries that are due, each handed to one caller for the time of `hold`; not settled by
    /// then, it is due again.
    [[nodiscard]] virtual Result<std::vector<Delivery>> take_due(int limit, Duration hold) = 0;

    /// Says what became of deliveries. Unknown ids are ignored. Idempotent.
    [[nodiscard]] virtual Status settle(std::span<const DeliveryOutcome> outcomes) = 0;
};

// --- the plugin -------------------------------------------------------------------------------

/// The `reason` where a storage cannot be opened since its database does not answer, and may do so
/// later: the coordinator answers 503 meanwhile and tries again. Any other error ends the start.
inline constexpr const char* kStorageAway = "storage_away";

/// Told that something changed in the database by another process (LISTEN/NOTIFY).
class WakeSource {
public:
    WakeSource() = default;
    WakeSource(const WakeSource&) = delete;
    WakeSource& operator=(const WakeSource&) = delete;
    virtual ~WakeSource() = default;

    class Listener {
    public:
        Listener() = default;
        Listener(const Listener&) = delete;
        Listener& operator=(const Listener&) = delete;
        virtual ~Listener() = default;

        /// New pending tasks may be there. From a thread of the storage; must return at once.
        virtual void tasks_pending() noexcept = 0;

        /// A task's history or status changed.
        virtual void task_changed(const TaskId& task) noexcept = 0;

        /// A running task of this worker was cancelled.
        virtual void worker_should_look(const WorkerId&) noexcept {}

        /// Word may have been lost (the connection broke): anything may have changed.
        virtual void anything_changed() noexcept {}
    };

    /// Sets the one listener; null ends it. After return with null no call is under way.
    virtual void listen(Listener* listener) = 0;
};

struct StorageInfo {
    std::string name{};      ///< the plugin's
    std::string location{};  ///< for people, without secrets: a path, a host and a database
    int schema_version = 0;
};

/// An open, migrated storage. The references live as long as it does.
class Storage {
public:
    Storage() = default;
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    virtual ~Storage() = default;

    [[nodiscard]] virtual TaskStore& tasks() = 0;
    [[nodiscard]] virtual RunStore& runs() = 0;
    [[nodiscard]] virtual WorkerStore& workers() = 0;
    [[nodiscard]] virtual HistoryStore& history() = 0;
    [[nodiscard]] virtual Outbox& outbox() = 0;
    [[nodiscard]] virtual StorageInfo info() const = 0;

    /// One cheap round trip: does the database answer?
    [[nodiscard]] virtual Status ping() = 0;

    /// Null where there is none (one process owns the database).
    [[nodiscard]] virtual WakeSource* wake_source() { return nullptr; }
};

/// Told of every statement that a storage runs, for metrics. Threads: any. Must not throw.
class StatementObserver {
public:
    StatementObserver() = default;
    StatementObserver(const StatementObserver&) = delete;
    StatementObserver& operator=(const StatementObserver&) = delete;
    virtual ~StatementObserver() = default;

    /// `statement` is one of a fixed set of names of the storage's (`task.take`); `ok` is false
    /// where the database refused it or was away.
    virtual void ran(std::string_view statement, Duration took, bool ok) noexcept = 0;
};

/// What the host lends a storage for its whole life.
struct StorageHost {
    Clock& clock;
    Entropy& entropy;
    Logger& logger;
    StatementObserver* statements = nullptr;  ///< null: nobody wants to know
};

}  // namespace opslab
