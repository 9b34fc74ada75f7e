#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <string_view>

namespace opslab::runner_exec {

/// Exit codes that say why a program failed, taken from sysexits.h.
inline constexpr int kTaskFailure = 65;            ///< EX_DATAERR: this task cannot run
inline constexpr int kInfrastructureFailure = 75;  ///< EX_TEMPFAIL: a retry may help

/// What is known of a run's verdict. Threads: one at a time.
struct Verdict {
    bool is_given = false;     ///< a result or an error was reported
    std::string last_error{};  ///< the end of stderr, at most 4 KiB
};

/// Passes everything on and notes in `verdict` whether the run has said how it went.
class VerdictSink final : public RunSink {
public:
    VerdictSink(RunSink& to, Verdict& verdict) : to_(to), verdict_(verdict) {}

    [[nodiscard]] SinkAnswer event(std::string_view json) override;
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override;
    [[nodiscard]] SinkAnswer position(std::string_view text) override;

private:
    RunSink& to_;
    Verdict& verdict_;
};

/// The event by which the exit code of a run that said nothing else is told to the host; empty
/// where the code is not a reserved one.
[[nodiscard]] std::string event_of_exit(const RunEnd& end, const Verdict& verdict);

}  // namespace opslab::runner_exec
