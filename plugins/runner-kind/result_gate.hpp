#pragma once

#include <opslab/runner.hpp>

#include <functional>
#include <string_view>
#include <utility>

namespace opslab::runner_kind {

/// Passes everything on, but a driver's `result` only where `check` finds nothing against it as it
/// comes. After a refusal nothing more is passed on, no position either, so whoever reads the
/// output later comes to the result again.
class ResultGate final : public RunSink {
public:
    ResultGate(RunSink& next, std::function<RunnerStatus()> check)
        : next_(next), check_(std::move(check)) {}

    [[nodiscard]] SinkAnswer event(std::string_view json) override;
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override;
    [[nodiscard]] SinkAnswer position(std::string_view text) override;

    /// What the last check found.
    [[nodiscard]] const RunnerStatus& verdict() const { return verdict_; }

    /// Whether the driver has said how the run ended: a result that was passed on, or an error.
    [[nodiscard]] bool has_outcome() const { return has_outcome_; }

private:
    RunSink& next_;
    std::function<RunnerStatus()> check_;
    RunnerStatus verdict_{};
    bool has_outcome_ = false;
};

}  // namespace opslab::runner_kind
