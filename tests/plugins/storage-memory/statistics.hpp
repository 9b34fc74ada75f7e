#pragma once

#include <opslab/storage.hpp>

#include <vector>

namespace opslab::memory {

void count(StatusCounts& counts, TaskStatus status);
[[nodiscard]] std::int64_t total_of(const StatusCounts& counts);

/// Exact, from all values (nearest rank).
[[nodiscard]] DurationStats summary(std::vector<Duration> durations);

}  // namespace opslab::memory
