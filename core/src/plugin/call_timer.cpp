#include "plugin/call_timer.hpp"

namespace opslab::plugin {

CallTimer::CallTimer(const CallContext& context, std::string_view call, Duration slow)
    : context_(context),
      call_(call),
      slow_(slow),
      begin_(context.clock.steady()),
      note_(context.plugin, call) {}

CallTimer::~CallTimer() {
    const Duration took = context_.clock.steady() - begin_;
    if (context_.observer != nullptr) {
        context_.observer->observe(context_.plugin, call_, took, ok_);
    }
    if (slow_ > Duration::zero() && took > slow_) {
        log(context_.logger,
            LogLevel::warning,
            "slow plugin call",
            {{"plugin", context_.plugin},
             {"call", std::string{call_}},
             {"milliseconds", std::to_string(took.count() / 1000)}});
    }
}

}  // namespace opslab::plugin
