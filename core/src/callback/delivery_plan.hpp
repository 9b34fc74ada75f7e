#pragma once

#include "callback/poster.hpp"

#include <opslab/retry.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace opslab {

/// How one try of a delivery ended.
enum class DeliveryEnd : std::uint8_t { delivered, will_retry, given_up, refused };

[[nodiscard]] constexpr std::string_view to_string(DeliveryEnd end) {
    switch (end) {
        case DeliveryEnd::delivered:
            return "delivered";
        case DeliveryEnd::will_retry:
            return "retried";
        case DeliveryEnd::given_up:
            return "given_up";
        case DeliveryEnd::refused:
            return "refused";
    }
    return "retried";
}

struct DeliveryPlan {
    int max_attempts = 10;
    RetryPolicy retry{.base = std::chrono::seconds{5}, .max = std::chrono::minutes{15}};
};

struct DeliveryVerdict {
    DeliveryEnd end = DeliveryEnd::delivered;
    std::optional<Duration> again_after{};  ///< with `will_retry`
    std::string reason{};                   ///< where it was not delivered
};

/// What follows from the end of try number `try_number` (1 is the first). Any 2xx is a delivery; an
/// address that callbacks may not reach ends it at once; everything else, redirects included, is
/// tried again until `max_attempts` tries were made. Pure: `random` is any 64 bits.
[[nodiscard]] DeliveryVerdict judge(
    const PostResult& result, int try_number, const DeliveryPlan& plan, std::uint64_t random
);

}  // namespace opslab
