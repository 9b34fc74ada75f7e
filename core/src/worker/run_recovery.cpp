#include "base/log_scope.hpp"
#include "worker/run_session.hpp"

/// How a worker goes on with the run of its predecessor.
namespace opslab {

void RunSession::resume(const std::optional<std::string>& bookmark) {
    const LogScope scope(subject());
    const auto found = bookmark ? read_bookmark(*bookmark) : std::nullopt;
    if (crashed_before()) {
        fail_after_crash(found);
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
    follow(RunHandle{found->handle}, found->position);
    reporter_.end();
}

/// Whether the call that ended the predecessor was for this attempt.
bool RunSession::crashed_before() const {
    return context_.last_crash.whose.find(LogScope::words(subject()) + ")") != std::string::npos;
}

/// Waiting for it again could end this worker, too, and again and again all that it runs.
void RunSession::fail_after_crash(const std::optional<RunBookmark>& found) {
    const auto& crash = context_.last_crash;
    const auto why = context_.runner_label + ": " + crash.call + ": it crashed its process (" +
                     crash.signal + ")";
    note(LogLevel::error, "a run whose call crashed the last worker is not picked up", why);
    finish(Failure{FailureKind::infrastructure, "", why}, why);
    reporter_.close();
    if (found) {
        destroy(RunHandle{found->handle});
    } else {
        left_something_ = true;  // it may have been half started
        lease_.forget();
    }
}

}  // namespace opslab
