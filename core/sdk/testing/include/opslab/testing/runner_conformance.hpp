#pragma once

#include <opslab/runner.hpp>

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// The promises of `opslab::Runner` as tests, over any runner that starts the simulated driver
/// (`opslab-driver-simulated`), wherever it runs. An author fills in a `RunnerCase`, links
/// `opslab::testing_runner` and instantiates:
///
///     INSTANTIATE_TEST_SUITE_P(
///         MyRunner, RunnerConformance, testing::Values(my_case()), opslab::testing::case_name
///     );
namespace opslab::testing {

/// What the suite must know of a runner.
struct RunnerCase {
    std::string name{};  ///< letters and digits, for the tests' names

    /// A runner over `state_dir`, which is a test's own and fresh. Called again in the same test
    /// for a successor, and in a forked process that is then killed.
    std::function<RunnerResult<std::unique_ptr<Runner>>(const std::string& state_dir)> open{};

    /// The same, set up so that no driver can start (a program or image that is not there). Null
    /// where nobody said how: the case is then skipped.
    std::function<RunnerResult<std::unique_ptr<Runner>>(const std::string& state_dir)>
        open_without_driver{};

    /// Everything of a run that is still in the world, found by other means than the runner's own
    /// (processes, containers, files); empty when nothing is left.
    std::function<std::vector<std::string>(const std::string& state_dir, const std::string& run_id)>
        leftovers{};

    /// Whether `leftovers` shows every run until it is destroyed; else it may overlook some.
    bool leftovers_shows_runs = true;

    /// Whether a run goes on after its host was killed, to be waited for by a successor.
    bool runs_outlive_host = false;
};

void PrintTo(const RunnerCase& runner, std::ostream* out);
[[nodiscard]] std::string case_name(const ::testing::TestParamInfo<RunnerCase>& info);

/// What a run delivered, kept for looking at: at most 64 MiB in 500,000 pieces, then it leaves off,
/// so that a runner that never stops talking ends its case and not the machine. Threads: any.
class RecordingSink final : public RunSink {
public:
    struct Line {
        OutputStream stream = OutputStream::out;
        std::string text{};
        bool truncated = false;
    };

    RecordingSink();
    ~RecordingSink() override;

    [[nodiscard]] SinkAnswer event(std::string_view json) override;
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override;
    [[nodiscard]] SinkAnswer position(std::string_view text) override;

    /// Leave off once `count` events have come (and go on for good when called with 0).
    void leave_off_after_events(std::size_t count);

    /// Waits until an event holds `part`; false where none came in half a minute.
    [[nodiscard]] bool wait_for_event(std::string_view part);

    [[nodiscard]] std::vector<std::string> events() const;
    [[nodiscard]] std::vector<Line> lines() const;
    [[nodiscard]] std::vector<std::string> lines_of(OutputStream stream) const;
    [[nodiscard]] std::optional<std::string> last_position() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

class RunnerConformance : public ::testing::TestWithParam<RunnerCase> {
public:
    ~RunnerConformance() override;

protected:
    RunnerConformance();

    void SetUp() override;
    void TearDown() override;

    [[nodiscard]] Runner& runner() { return *runner_; }
    [[nodiscard]] const std::string& state_dir() const { return state_dir_; }

    /// A run of the simulated driver; `simulate` is the JSON of agent_config.simulate.
    [[nodiscard]] RunRequest request(const std::string& simulate = "{}");

    /// Starts a run and destroys it at the test's end.
    [[nodiscard]] RunHandle started(const RunRequest& run);

    /// Starts, waits and answers how it ended; everything goes to `sink`.
    [[nodiscard]] RunnerResult<RunEnd> play(const std::string& simulate, RunSink& sink);

    [[nodiscard]] std::vector<std::string> leftovers(const RunRequest& run) const;
    [[nodiscard]] WorkerId worker() const;

    /// In a process of its own that is then killed by SIGKILL: opens a runner and starts `run`.
    /// Answers the handle.
    [[nodiscard]] RunHandle start_in_host_that_dies(const RunRequest& run);

    /// Replaces the runner by a successor over the same state.
    void reopen();
    void close() { runner_.reset(); }

private:
    std::string state_dir_{};
    std::unique_ptr<Runner> runner_{};
    std::vector<RunHandle> handles_{};
    int runs_ = 0;
};

/// A descriptor that becomes readable when told to.
class TestInterrupt {
public:
    TestInterrupt();
    TestInterrupt(const TestInterrupt&) = delete;
    TestInterrupt& operator=(const TestInterrupt&) = delete;
    ~TestInterrupt();

    void raise();
    [[nodiscard]] Interrupt get() const { return Interrupt{fd_}; }

private:
    int fd_ = -1;
};

/// Ended by `signal`; a container's engine says 128 + signal instead.
MATCHER_P(DiedBy, signal, "died by signal " + ::testing::PrintToString(signal)) {
    if (!arg.has_value()) {
        return false;
    }
    return (arg->how == EndKind::signalled && arg->code == signal) ||
           (arg->how == EndKind::exited && arg->code == 128 + signal);
}

MATCHER_P(ExitedWith, code, "exited with " + ::testing::PrintToString(code)) {
    if (!arg.has_value()) {
        return false;
    }
    return arg->how == EndKind::exited && arg->code == code;
}

MATCHER(Succeeds, "succeeds") {
    return arg.has_value();
}

/// `invalid`, `not_found` and so on.
[[nodiscard]] inline const char* name_of(RunnerErrc code) {
    switch (code) {
        case RunnerErrc::invalid:
            return "invalid";
        case RunnerErrc::task:
            return "task";
        case RunnerErrc::infrastructure:
            return "infrastructure";
        case RunnerErrc::not_found:
            return "not_found";
        case RunnerErrc::interrupted:
            return "interrupted";
        case RunnerErrc::unsupported:
            return "unsupported";
        case RunnerErrc::internal:
            break;
    }
    return "internal";
}

MATCHER_P(FailsAs, code, std::string{"fails as "} + name_of(code)) {
    return !arg.has_value() && arg.error().code == code;
}

}  // namespace opslab::testing

/// How GoogleTest shows the values of the interface in what it says of a failure.
namespace opslab {

inline void PrintTo(const RunnerError& error, std::ostream* out) {
    *out << testing::name_of(error.code) << ": " << error.message;
}

inline void PrintTo(const RunEnd& end, std::ostream* out) {
    switch (end.how) {
        case EndKind::exited:
            *out << "exited with " << end.code;
            return;
        case EndKind::signalled:
            *out << "died by signal " << end.code;
            return;
        case EndKind::out_of_memory:
            *out << "killed for too much memory (" << end.code << ")";
            return;
    }
    *out << "ended in an unknown way";
}

inline void PrintTo(const RunHandle& handle, std::ostream* out) {
    *out << '"' << handle.text << '"';
}

inline void PrintTo(const OwnedRun& run, std::ostream* out) {
    *out << "run " << run.run_id << " with the handle \"" << run.handle.text << '"';
}

template <class T>
void PrintTo(const RunnerResult<T>& result, std::ostream* out) {
    if (!result) {
        *out << "the failure ";
        PrintTo(result.error(), out);
        return;
    }
    if constexpr (std::is_void_v<T>) {
        *out << "success";
    } else {
        *out << ::testing::PrintToString(*result);
    }
}

}  // namespace opslab
