#pragma once

#include <opslab/time.hpp>

#include <algorithm>

namespace opslab {

/// Growing pauses between tries while the coordinator is away.
class Backoff {
public:
    Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}

    [[nodiscard]] Duration next() {
        const auto pause = next_;
        next_ = std::min(next_ * 2, longest_);
        return pause;
    }

    void reset() { next_ = first_; }

private:
    Duration first_;
    Duration longest_;
    Duration next_;
};

}  // namespace opslab
