#pragma once

#include <opslab/time.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace opslab {

/// Growing pauses between tries while the coordinator is away, each up to a fifth longer or shorter
/// by who waits: what lost one coordinator together does not come back all at once.
class Backoff {
public:
    Backoff(Duration first, Duration longest, std::string_view who)
        : first_(first), longest_(longest), next_(first) {
        for (const char c : who) {
            state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211U;  // FNV-1a
        }
    }

    [[nodiscard]] Duration next() {
        const auto pause = next_;
        next_ = std::min(next_ * 2, longest_);
        state_ = state_ * 6364136223846793005U + 1442695040888963407U;
        const auto percent = 80 + static_cast<Duration::rep>((state_ >> 33U) % 41U);
        return pause * percent / 100;
    }

    void reset() { next_ = first_; }

private:
    Duration first_;
    Duration longest_;
    Duration next_;
    std::uint64_t state_ = 14695981039346656037U;
};

}  // namespace opslab
