#include <opslab/sql/histogram.hpp>

#include <algorithm>
#include <cmath>

namespace opslab::sql {

namespace {

constexpr double kGrowth = 1.05;

// the middle of the bucket, in microseconds
double middle(int bucket) {
    return bucket == 0 ? 0.0 : std::pow(kGrowth, bucket - 0.5);
}

double quantile(const Histogram& histogram, std::int64_t total, double share) {
    const auto rank = std::max(1.0, std::ceil(share * static_cast<double>(total)));
    double seen = 0;
    int last = 0;
    for (const auto& [bucket, held] : histogram) {
        seen += static_cast<double>(held.count);
        last = bucket;
        if (seen >= rank) {
            break;
        }
    }
    return middle(last) / 1e6;
}

}  // namespace

int bucket_of(Duration duration) {
    if (duration.count() < 1) {
        return 0;
    }
    const auto log = std::log(static_cast<double>(duration.count())) / std::log(kGrowth);
    return 1 + static_cast<int>(std::floor(log));
}

void add(Histogram& histogram, Duration duration) {
    auto& bucket = histogram[bucket_of(duration)];
    ++bucket.count;
    bucket.sum += std::max<std::int64_t>(0, duration.count());
}

DurationStats summary(const Histogram& histogram) {
    std::int64_t count = 0;
    double sum = 0;
    for (const auto& [number, bucket] : histogram) {
        count += bucket.count;
        sum += static_cast<double>(bucket.sum);
    }
    if (count == 0) {
        return {};
    }
    return DurationStats{
        .average = sum / 1e6 / static_cast<double>(count),
        .p50 = quantile(histogram, count, 0.5),
        .p95 = quantile(histogram, count, 0.95)};
}

}  // namespace opslab::sql
