#include "plugin/call_timer.hpp"

#include "base/log_scope.hpp"

namespace opslab::plugin {

namespace {

/// `start (runner gpu, worker worker-001-gpu, task 0197…, attempt 1)`; empty for a storage.
std::string doing(const CallContext& context, std::string_view call) {
    if (context.runner.empty()) {
        return {};
    }
    const auto scope = LogScope::words(LogScope::fields());
    return std::string{call} + " (runner " + context.runner + (scope.empty() ? "" : ", ") + scope +
           ")";
}

}  // namespace

std::vector<LogField> fields_of(const CallContext& context, std::initializer_list<LogField> more) {
    std::vector<LogField> fields{{"plugin", context.plugin}};
    if (!context.runner.empty()) {
        fields.push_back({"runner", context.runner});
    }
    fields.insert(fields.end(), more.begin(), more.end());
    const auto scope = LogScope::fields();
    fields.insert(fields.end(), scope.begin(), scope.end());
    return fields;
}

CallTimer::CallTimer(const CallContext& context, std::string_view call, const CallTimes& times)
    : context_(context),
      call_(call),
      slow_(times.slow),
      begin_(context.clock.steady()),
      doing_(doing(context, call)),
      note_(context.plugin, doing_.empty() ? call : std::string_view{doing_}),
      watched_(
          context.observer == nullptr ? nullptr : context.observer->watch(),
          {.plugin = context.plugin,
           .runner = context.runner,
           .call = call,
           .due = times.due,
           .grace = times.grace,
           .interrupt = times.interrupt}
      ) {}

CallTimer::~CallTimer() {
    const Duration took = context_.clock.steady() - begin_;
    if (context_.observer != nullptr) {
        context_.observer->observe(context_.plugin, call_, took, ok_);
    }
    if (slow_ > Duration::zero() && took > slow_ && !watched_.told()) {
        const auto fields = fields_of(
            context_,
            {{"call", std::string{call_}}, {"milliseconds", std::to_string(took.count() / 1000)}}
        );
        context_.logger.log(LogLevel::warning, "slow plugin call", fields);
    }
}

}  // namespace opslab::plugin
