#include "daemon/end_limit.hpp"

#include "plugin/crash_note.hpp"

#include <unistd.h>

#include <string>

namespace opslab::daemon {

namespace {

constexpr int kDidNotEnd = 1;

}  // namespace

EndLimit::EndLimit(Logger& logger, Clock& clock, Duration within)
    : logger_(logger),
      clock_(clock),
      thread_([this, until = clock.steady() + within] { watch(until); }) {}

EndLimit::~EndLimit() {
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void EndLimit::watch(SteadyTime until) {
    std::unique_lock lock(mutex_);
    while (!is_over_) {
        if (clock_.steady() >= until) {
            std::string calls;
            for (const auto& call : plugin::calls_under_way()) {
                calls += (calls.empty() ? "" : ", ") + call;
            }
            log(logger_,
                LogLevel::critical,
                "ended by force: calls into plugins do not return",
                {{"calls", calls.empty() ? "none" : calls}});
            ::_exit(kDidNotEnd);
        }
        clock_.wait_until(lock, changed_, until);
    }
}

}  // namespace opslab::daemon
