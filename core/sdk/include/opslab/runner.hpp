#pragma once

#include <opslab/error.hpp>
#include <opslab/ids.hpp>
#include <opslab/time.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The C++ face of a runner: what an author derives from (`runner_plugin.hpp` exports it through
/// the C table of `plugin.h`) and what the worker loop calls (the host wraps the C table in the
/// same class). JSON crosses as text.
namespace opslab {

/// What `check` sees of a task before it is accepted.
struct TaskSpec {
    std::string problem_id{};
    std::string agent_config_json{"{}"};
    std::string metadata_json{"{}"};
    int max_steps = 30;
};

/// A slot of a worker: room for one run at a time.
struct SlotSpec {
    WorkerId worker{};
    int slot = 0;  ///< from 0: which of the worker's slots
};

/// A file descriptor that becomes readable when the host wants a call to end early (-1: never).
/// Owned by the host, valid during the call; poll it, do not read it.
struct Interrupt {
    int fd = -1;
};

/// A run to start. `run_id` is unique for ever, of [0-9a-f.-], at most 64 characters. Everything
/// made for the run must carry it and the worker's id, so that `list_owned` finds it after a crash.
struct RunRequest {
    std::string run_id{};
    SlotSpec slot{};
    TaskId task{};
    int attempt = 1;  ///< from 1
    std::string problem_id{};
    std::string task_json{};  ///< the OPSLAB_TASK_FILE object without `event_prefix`
    Timestamp deadline{};     ///< the host enforces it
};

/// The runner's own name for a run, kept with the attempt; at most 4 KiB of text.
struct RunHandle {
    std::string text{};

    bool operator==(const RunHandle&) const = default;
};

enum class OutputStream : std::uint8_t { out = 1, err = 2 };

/// What the host wants after taking something.
enum class SinkAnswer : std::uint8_t {
    go_on,
    leave_off,  ///< return from `wait` soon with `RunnerErrc::interrupted`; the run goes on
};

/// Where a run's output goes. Calls block while the host is behind (back-pressure).
/// Threads: one at a time, the one that called `wait`.
class RunSink {
public:
    RunSink() = default;
    RunSink(const RunSink&) = delete;
    RunSink& operator=(const RunSink&) = delete;
    virtual ~RunSink() = default;

    /// A driver event: the text after the event prefix, as it came. The host checks it.
    [[nodiscard]] virtual SinkAnswer event(std::string_view json) = 0;

    /// A line that is no event, any bytes, without its end; `truncated` where it was over 1 MiB.
    [[nodiscard]] virtual SinkAnswer output(
        OutputStream stream, std::string_view line, bool truncated
    ) = 0;

    /// Everything so far was delivered: a later `wait` may be given this text to go on from.
    [[nodiscard]] virtual SinkAnswer position(std::string_view text) = 0;
};

enum class EndKind : std::uint8_t {
    exited = 1,        ///< `code` is the exit status
    signalled = 2,     ///< `code` is the signal's number
    out_of_memory = 3  ///< killed for using more memory than it was given
};

struct RunEnd {
    EndKind how = EndKind::exited;
    int code = 0;

    bool operator==(const RunEnd&) const = default;
};

/// Why a runner's call failed, in the words of the outcome algebra.
enum class RunnerErrc : std::uint8_t {
    invalid = 1,         ///< argument or configuration is wrong
    task = 2,            ///< this task cannot run here; a retry would not help
    infrastructure = 3,  ///< image, engine, cluster, disk: a retry may help
    not_found = 4,       ///< no run of that handle (any more)
    interrupted = 5,     ///< the interrupt or the sink asked to leave off
    unsupported = 6,
    internal = 7,  ///< a defect of the runner
};

struct RunnerError {
    RunnerErrc code = RunnerErrc::internal;
    /// For people; no secret. The host puts the runner's name before it, and for `internal` the
    /// call's: it need not say either.
    std::string message{};

    bool operator==(const RunnerError&) const = default;
};

template <class T>
using RunnerResult = tl::expected<T, RunnerError>;
using RunnerStatus = RunnerResult<void>;

[[nodiscard]] inline tl::unexpected<RunnerError> runner_fail(RunnerErrc code, std::string message) {
    return tl::unexpected<RunnerError>(RunnerError{code, std::move(message)});
}

/// Something that a worker id made and that was not destroyed.
struct OwnedRun {
    std::string run_id{};
    RunHandle handle{};

    bool operator==(const OwnedRun&) const = default;
};

/// Runs drivers somewhere.
///
/// For all calls:
/// - Errors: beside those named, `invalid` (an argument is wrong) and `internal`. May throw; the
///   shim turns that into `internal`.
/// - Threads: any, several at once, for different runs. For one run: `start`, then `wait` on one
///   thread at a time, with `stop` and `destroy` from others, also while it waits.
/// - Ownership: arguments live until the call returns.
/// - Interruption: by the `Interrupt` where there is one: poll it beside what is waited for, and
///   return `interrupted` soon after it became readable. Other calls take at most seconds (`stop`:
///   its grace and seconds). A call that does not return in time is named in opslab's log and
///   counted, and holds the slot of its task for as long.
///
/// The destructor runs when no call is under way. It leaves runs as they are where they can outlive
/// this process, and ends them where they cannot.
class Runner {
public:
    Runner() = default;
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    virtual ~Runner() = default;

    /// Can this task ever run here? Fast, no side effect, so it may be repeated. Fails: `task` with
    /// the reason.
    [[nodiscard]] virtual RunnerStatus check(const TaskSpec& /*task*/) { return {}; }

    /// Makes a slot ready ahead of work (image, cluster); `start` must work without it. Idempotent.
    /// What an interrupted call half made is taken up or removed by the next one. Fails:
    /// `infrastructure`, `interrupted`.
    [[nodiscard]] virtual RunnerStatus prepare(
        const SlotSpec& /*slot*/, Interrupt /*interrupt*/
    ) {
        return {};
    }

    /// Starts a run and returns when its driver runs. The handle is all that the other calls need
    /// after a restart. Not idempotent: a run id comes once. Look at the interrupt last of all
    /// before the driver is started, once what `list_owned` finds is made: it is readable once the
    /// run may not begin any more, however long this process stood still. On failure nothing of the
    /// run is left.
    /// Fails: `task`, `infrastructure`, `interrupted`.
    [[nodiscard]] virtual RunnerResult<RunHandle> start(
        const RunRequest& request, Interrupt interrupt
    ) = 0;

    /// Delivers the run's output until it has ended and all of it was delivered. After
    /// `interrupted` it may be called again and goes on. Works again with the same handle in a new
    /// process where runs outlive their worker, from `position` on if one is given; where they do
    /// not: `not_found`. Interrupted by the sink too; the run goes on. A driver's result or error
    /// that was delivered counts whatever is answered, so where the end of the output may be lost,
    /// or the place itself has ended the run, answer `infrastructure`: a `RunEnd` without either is
    /// the task's failure, but for an exit with 126 or 127 before any event: so shells and inits
    /// say that the driver could not be run. Fails: `not_found`, `infrastructure`, `interrupted`.
    [[nodiscard]] virtual RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    ) = 0;

    /// Politely (SIGTERM to all of it), after `grace` by force. Returns when the run has ended; a
    /// `wait` under way delivers the rest and returns. Idempotent; a run that has ended or is
    /// unknown is fine. A run that `list_owned` gave half made, while its `start` stands still,
    /// does not begin after this. Fails: `infrastructure`.
    [[nodiscard]] virtual RunnerStatus stop(
        const RunHandle& handle, std::chrono::milliseconds grace
    ) = 0;

    /// Removes everything of the run, by force where it still runs. Idempotent; an unknown run is
    /// fine. After it `wait` fails with `not_found`. Fails: `infrastructure`; may be repeated then.
    [[nodiscard]] virtual RunnerStatus destroy(const RunHandle& handle) = 0;

    /// Everything that this worker id made and nobody destroyed, half-made things included; nothing
    /// of other workers or of others than this runner. No side effect. Fails: `infrastructure`.
    [[nodiscard]] virtual RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker
    ) = 0;

    /// Is the place where runs happen in order? One line on what it is, and where something wants
    /// attention but keeps no run from starting a further line on each such thing, with what to do
    /// about it. No side effect. Fails: `infrastructure` with what to do about it.
    [[nodiscard]] virtual RunnerResult<std::string> health() { return std::string{"ok"}; }

    /// What problems the driver can play, as far as it is known now without running it: one JSON
    /// object of at most 1 MiB with `problems`, at most 1,000 objects with an `id` of 1 to 255
    /// characters and, where they are known, `task_type`, `application`, `deployment` and `needs`
    /// (an array): words of [a-z0-9-]. Nothing where it is not known. Asked when a worker registers
    /// and about once a minute while it waits for tasks. Fetches nothing, and what it makes for a
    /// look carries the worker's id and is gone when it returns. Fails: `infrastructure`.
    [[nodiscard]] virtual RunnerResult<std::optional<std::string>> problems(
        const WorkerId& /*worker*/
    ) {
        return std::nullopt;
    }
};

}  // namespace opslab
