#pragma once

#include <opslab/runner.hpp>

#include <string_view>

namespace opslab::runner_kind {

/// Passes everything on, and watches whether the driver's last event was `clean`.
class CleanEndSink final : public RunSink {
public:
    explicit CleanEndSink(RunSink& next) : next_(next) {}

    [[nodiscard]] SinkAnswer event(std::string_view json) override;
    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override {
        return next_.output(stream, line, truncated);
    }
    [[nodiscard]] SinkAnswer position(std::string_view text) override {
        return next_.position(text);
    }

    [[nodiscard]] bool has_ended_clean() const { return has_ended_clean_; }

private:
    RunSink& next_;
    bool has_ended_clean_ = false;
};

}  // namespace opslab::runner_kind
