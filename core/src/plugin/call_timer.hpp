#pragma once

#include "plugin/call_observer.hpp"
#include "plugin/call_watch.hpp"
#include "plugin/crash_note.hpp"

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::plugin {

/// What the guards of one plugin need to report its calls. The references outlive the guards.
struct CallContext {
    std::string plugin{};  ///< `storage-sqlite`
    Clock& clock;
    Logger& logger;
    CallObserver* observer = nullptr;
    std::string runner{};  ///< as configured; empty for a storage
};

/// The fields of a line about a plugin: its name, the runner's, then `more`, then whose call it is.
[[nodiscard]] std::vector<LogField> fields_of(
    const CallContext& context, std::initializer_list<LogField> more = {}
);

/// What is known of how long a call takes.
struct CallTimes {
    Duration slow{0};  ///< the log is told where it took longer; zero: never
    Due due = Due::never;
    Duration grace{0};   ///< as it was told; beyond it it is late
    int interrupt = -1;  ///< readable once the call is asked to end
};

/// Times one call, notes it for a crash and has it watched: tells the observer, and the log where
/// it was slow.
class CallTimer {
public:
    CallTimer(const CallContext& context, std::string_view call, const CallTimes& times);
    CallTimer(const CallTimer&) = delete;
    CallTimer& operator=(const CallTimer&) = delete;
    ~CallTimer();

    /// Without it the call counts as failed.
    void succeeded() { ok_ = true; }

    /// It must end by itself within `grace` now. Threads: any.
    void asked_to_end(Duration grace) { watched_.asked_to_end(grace); }
    /// Whether it should have returned. Threads: any.
    [[nodiscard]] bool overdue() const { return watched_.told(); }

private:
    const CallContext& context_;
    std::string_view call_;
    Duration slow_;
    SteadyTime begin_;
    bool ok_ = false;
    std::string doing_;
    CrashNote note_;
    CallWatch::Watched watched_;
};

}  // namespace opslab::plugin
