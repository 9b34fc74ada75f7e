#include "callback/delivery_plan.hpp"

namespace opslab {

DeliveryVerdict judge(
    const PostResult& result, int try_number, const DeliveryPlan& plan, std::uint64_t random
) {
    if (result.end == PostEnd::answered && result.status >= 200 && result.status < 300) {
        return {};
    }
    if (result.end == PostEnd::refused_address) {
        return {.end = DeliveryEnd::refused, .again_after = {}, .reason = result.reason};
    }
    DeliveryVerdict verdict{
        .end = DeliveryEnd::given_up,
        .again_after = {},
        .reason = result.end == PostEnd::answered
                      ? "answered with status " + std::to_string(result.status)
                      : result.reason};
    if (try_number < plan.max_attempts) {
        verdict.end = DeliveryEnd::will_retry;
        verdict.again_after = retry_delay(try_number, plan.retry, random);
    }
    return verdict;
}

}  // namespace opslab
