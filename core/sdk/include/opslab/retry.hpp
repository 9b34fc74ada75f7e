#pragma once

#include <opslab/time.hpp>

#include <algorithm>
#include <cstdint>

namespace opslab {

/// When a lost attempt comes again: `base`, doubled for each further attempt up to `max`, a fifth
/// either way.
struct RetryPolicy {
    Duration base = std::chrono::seconds{5};
    Duration max = std::chrono::minutes{5};
};

/// The delay before the attempt after `attempt` (1 is the first). Pure: `random` is any 64 bits.
[[nodiscard]] constexpr Duration retry_delay(
    int attempt, const RetryPolicy& policy, std::uint64_t random
) {
    const int doublings = std::clamp(attempt - 1, 0, 30);
    const auto capped = std::min(policy.max.count(), policy.base.count() << doublings);
    const auto fifth = capped / 5;
    if (fifth == 0) {
        return Duration{capped};
    }
    const auto spread = static_cast<std::uint64_t>(2 * fifth + 1);
    return Duration{capped - fifth + static_cast<std::int64_t>(random % spread)};
}

}  // namespace opslab
