#include "statistics.hpp"

#include <algorithm>
#include <numeric>

namespace opslab::memory {

namespace {

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// the smallest value that `percent` of all values do not exceed
double rank(const std::vector<Duration>& sorted, std::size_t percent) {
    const auto place = (percent * sorted.size() + 99) / 100;
    return seconds(sorted.at(std::max<std::size_t>(place, 1) - 1));
}

}  // namespace

void count(StatusCounts& counts, TaskStatus status) {
    switch (status) {
        case TaskStatus::pending:
            ++counts.pending;
            break;
        case TaskStatus::running:
            ++counts.running;
            break;
        case TaskStatus::completed:
            ++counts.completed;
            break;
        case TaskStatus::failed:
            ++counts.failed;
            break;
        case TaskStatus::timeout:
            ++counts.timeout;
            break;
        case TaskStatus::cancelled:
            ++counts.cancelled;
            break;
    }
}

std::int64_t total_of(const StatusCounts& counts) {
    return counts.pending + counts.running + counts.completed + counts.failed + counts.timeout +
           counts.cancelled;
}

DurationStats summary(std::vector<Duration> durations) {
    if (durations.empty()) {
        return {};
    }
    std::sort(durations.begin(), durations.end());
    const auto sum = std::accumulate(durations.begin(), durations.end(), Duration{0});
    return DurationStats{
        .average = seconds(sum) / static_cast<double>(durations.size()),
        .p50 = rank(durations, 50),
        .p95 = rank(durations, 95)};
}

}  // namespace opslab::memory
