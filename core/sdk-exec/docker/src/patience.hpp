#pragma once

#include <opslab/docker/engine_error.hpp>
#include <opslab/runner.hpp>

#include <chrono>

namespace opslab::docker {

/// Whether a call that only looks may go well in a moment.
[[nodiscard]] bool is_worth_a_retry(const EngineError& error);

/// How long an engine that is away is waited for: pauses that grow, up to a total.
class Patience {
public:
    explicit Patience(std::chrono::milliseconds total) : left_(total) {}

    enum class Answer { try_again, interrupted, used_up };

    /// Waits before the next try.
    [[nodiscard]] Answer pause(Interrupt interrupt);

private:
    std::chrono::milliseconds left_;
    std::chrono::milliseconds next_{100};
};

}  // namespace opslab::docker
