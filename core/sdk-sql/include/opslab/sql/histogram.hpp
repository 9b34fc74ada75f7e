#pragma once

#include <opslab/storage.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <map>

/// Quantiles out of kept counters: buckets that each span a twentieth, so that a quantile is within
/// that of the truth at any size.
namespace opslab::sql {

struct Bucket {
    std::int64_t count = 0;
    std::int64_t sum = 0;  ///< microseconds, exact
};

/// By bucket number.
using Histogram = std::map<int, Bucket>;

[[nodiscard]] int bucket_of(Duration duration);

void add(Histogram& histogram, Duration duration);

[[nodiscard]] DurationStats summary(const Histogram& histogram);

}  // namespace opslab::sql
