#pragma once

#include "plugin/call_observer.hpp"
#include "plugin/crash_note.hpp"

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <string>
#include <string_view>

namespace opslab::plugin {

/// What the guards of one plugin need to report its calls. The references outlive the guards.
struct CallContext {
    std::string plugin{};  ///< `storage-sqlite`
    Clock& clock;
    Logger& logger;
    CallObserver* observer = nullptr;
};

/// Times one call and notes it for a crash: tells the observer, and the log where it took longer
/// than `slow` (zero: never).
class CallTimer {
public:
    CallTimer(const CallContext& context, std::string_view call, Duration slow);
    CallTimer(const CallTimer&) = delete;
    CallTimer& operator=(const CallTimer&) = delete;
    ~CallTimer();

    /// Without it the call counts as failed.
    void succeeded() { ok_ = true; }

private:
    const CallContext& context_;
    std::string_view call_;
    Duration slow_;
    SteadyTime begin_;
    bool ok_ = false;
    CrashNote note_;
};

}  // namespace opslab::plugin
