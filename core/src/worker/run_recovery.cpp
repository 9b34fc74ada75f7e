#include "base/log_scope.hpp"
#include "worker/run_session.hpp"

#include <algorithm>

/// How a worker goes on with the run of its predecessor.
namespace opslab {

void RunSession::resume(const std::optional<std::string>& bookmark) {
    const LogScope scope(subject());
    is_inherited_ = true;
    const auto found = bookmark ? read_bookmark(*bookmark) : std::nullopt;
    if (const auto* crash = crash_before(); crash != nullptr) {
        fail_after_crash(*crash, found);
        return;
    }
    if (!found) {
        finish(
            Failure{FailureKind::worker_lost, "", "the worker restarted before the run was noted"},
            "the worker restarted; nothing was known of the run"
        );
        lease_.forget();
        return;
    }
    note(LogLevel::info, "picking up the run of a predecessor");
    if (found->last_seq) {
        reporter_.go_on_after(*found->last_seq);
    }
    lease_.take_over();
    follow(*found);
    reporter_.end();
}

/// The call for this attempt that ended a predecessor; null: there was none.
const PluginCrash* RunSession::crash_before() const {
    const auto scope = subject();
    const auto crash = std::find_if(
        context_.crashes.begin(),
        context_.crashes.end(),
        [&](const PluginCrash& before) { return before.was_in(scope); }
    );
    return crash == context_.crashes.end() ? nullptr : &*crash;
}

/// Waiting for it again could end this worker, too, and again and again all that it runs.
void RunSession::fail_after_crash(
    const PluginCrash& crash, const std::optional<RunBookmark>& found
) {
    const auto why = context_.runner_label + ": " + crash.text();
    note(LogLevel::error, "a run whose call crashed the last worker is not picked up", why);
    finish(Failure{FailureKind::infrastructure, "", why}, why);
    reporter_.close();
    if (found && crash.call != "destroy") {
        destroy(RunHandle{found->handle});
    } else {
        left_something_ = true;  // it may have been half started, or half removed
        lease_.forget();
    }
}

}  // namespace opslab
