#pragma once

#include <opslab/runner.hpp>

#include <chrono>

namespace opslab::docker {

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
