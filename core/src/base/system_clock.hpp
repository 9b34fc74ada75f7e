#pragma once

#include <opslab/time.hpp>

namespace opslab {

/// The machine's clocks: the one place that reads them.
class SystemClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override;
    [[nodiscard]] SteadyTime steady() const override;
    void wait_until(
        std::unique_lock<std::mutex>& lock, std::condition_variable& wake, SteadyTime deadline
    ) override;
    [[nodiscard]] bool is_system() const override { return true; }
};

/// The kernel's random numbers.
class SystemEntropy final : public Entropy {
public:
    /// Throws `std::runtime_error` where the kernel gives none: then nothing is safe.
    [[nodiscard]] std::uint64_t next() override;
};

}  // namespace opslab
