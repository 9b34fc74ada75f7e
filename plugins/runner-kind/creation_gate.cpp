#include "creation_gate.hpp"

namespace opslab::runner_kind {

RunnerStatus CreationGate::enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_closed_ || under_way_ < limits_.parallel; });
    if (is_closed_) {
        return runner_fail(RunnerErrc::interrupted, "the runner is being closed");
    }
    if (failures_ >= limits_.failures) {
        const auto now = std::chrono::steady_clock::now();
        if (now < next_trial_) {
            return runner_fail(RunnerErrc::infrastructure, reason());
        }
        next_trial_ = now + limits_.pause;  // this one alone tries
    }
    ++under_way_;
    return {};
}

void CreationGate::leave(const RunnerStatus& outcome) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    changed_.notify_all();  // one that finds a pause goes away, and would wake nobody in its turn
    if (outcome) {
        failures_ = 0;
    } else if (outcome.error().code != RunnerErrc::interrupted) {
        ++failures_;
        last_failure_ = outcome.error().message;
        next_trial_ = std::chrono::steady_clock::now() + limits_.pause;
    }
}

std::string CreationGate::reason() const {
    return "no cluster is made for now, since " + std::to_string(failures_) +
           " creations in a row failed; the last: " + last_failure_;
}

std::string CreationGate::pause_reason() const {
    const std::lock_guard lock(mutex_);
    const bool is_paused =
        failures_ >= limits_.failures && std::chrono::steady_clock::now() < next_trial_;
    return is_paused ? reason() : std::string{};
}

void CreationGate::close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
}

}  // namespace opslab::runner_kind
