#include "unit/worker/fake_port.hpp"

#include <algorithm>
#include <utility>

namespace opslab::testing {

void FakePort::offer(
    const std::string& task, int attempt, Timestamp deadline, int timeout_minutes
) {
    const std::lock_guard lock(mutex_);
    ClaimedTask claimed;
    claimed.task.id = TaskId{task};
    claimed.task.problem_id = "p";
    claimed.task.attempt = attempt;
    claimed.task.parameters.timeout_minutes = timeout_minutes;
    claimed.deadline = deadline;
    offered_.push_back(std::move(claimed));
    changed_.notify_all();
}

void FakePort::set_running(std::vector<RunningAttempt> attempts) {
    running_ = std::move(attempts);
}

void FakePort::set_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
}

void FakePort::make_stale(const std::string& task) {
    const std::lock_guard lock(mutex_);
    stale_.insert(task);
}

void FakePort::refuse_reports() {
    const std::lock_guard lock(mutex_);
    refusing_ = true;
}

void FakePort::lose_next_claim(RunningAttempt given) {
    const std::lock_guard lock(mutex_);
    lost_claim_ = std::move(given);
}

void FakePort::fill_slots(RunningAttempt with) {
    const std::lock_guard lock(mutex_);
    full_ = true;
    lost_claim_ = std::move(with);
}

void FakePort::order_cancel(const std::string& task) {
    std::function<void()> look;
    {
        const std::lock_guard lock(mutex_);
        stale_.insert(task);
        cancels_.emplace_back(task);
        look = look_;
    }
    look();
}

AttemptEnd FakePort::wait_for_end(const std::string& task) {
    std::unique_lock lock(mutex_);
    const auto found = [&] {
        return std::find_if(ends_.begin(), ends_.end(), [&](const auto& end) {
            return end.task.value == task;
        });
    };
    changed_.wait(lock, [&] { return found() != ends_.end(); });
    return *found();
}

void FakePort::wait_for_events(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return events_.size() >= count; });
}

void FakePort::wait_until_retired() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return retired_; });
}

void FakePort::wait_for_failed_report() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failed_reports_ > 0; });
}

void FakePort::wait_for_claim() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return claiming_; });
}

void FakePort::wait_for_claim_of(const std::string& task) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return claimed_.contains(task); });
}

void FakePort::wait_for_reports(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return reports_ >= count; });
}

void FakePort::wait_for_circuit(const std::optional<std::string>& circuit) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return circuit_ == circuit; });
}

std::size_t FakePort::unclaimed() const {
    const std::lock_guard lock(mutex_);
    return offered_.size();
}

int FakePort::reports() const {
    const std::lock_guard lock(mutex_);
    return reports_;
}

std::vector<RunEvent> FakePort::events() const {
    const std::lock_guard lock(mutex_);
    return events_;
}

std::vector<std::string> FakePort::handles() const {
    const std::lock_guard lock(mutex_);
    return handles_;
}

std::vector<std::int64_t> FakePort::first_seqs() const {
    const std::lock_guard lock(mutex_);
    return first_seqs_;
}

std::size_t FakePort::ends() const {
    const std::lock_guard lock(mutex_);
    return ends_.size();
}

Result<Worker> FakePort::enroll(const NewWorker& worker) {
    Worker enrolled;
    enrolled.id = worker.id;
    return enrolled;
}

Result<HeartbeatReceipt> FakePort::heartbeat(const Heartbeat& beat) {
    const std::lock_guard lock(mutex_);
    circuit_ = beat.circuit_open;
    changed_.notify_all();
    return HeartbeatReceipt{std::nullopt, std::exchange(cancels_, {})};
}

Result<std::vector<ClaimedTask>> FakePort::claim(const ClaimRequest& request, Duration /*wait*/) {
    std::unique_lock lock(mutex_);
    if (lost_claim_) {
        running_ = {*std::exchange(lost_claim_, std::nullopt)};
        if (std::exchange(full_, false)) {
            return std::vector<ClaimedTask>{};
        }
        return fail(Errc::unavailable, "the answer was lost");
    }
    claiming_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_ || !offered_.empty(); });
    claiming_ = false;
    std::vector<ClaimedTask> given;
    while (!released_ && !offered_.empty() && given.size() < static_cast<std::size_t>(request.max)
    ) {
        claimed_.insert(offered_.front().task.id.value);
        changed_.notify_all();
        given.push_back(std::move(offered_.front()));
        offered_.pop_front();
    }
    return given;
}

Result<ReportReceipt> FakePort::report(const EventReport& report) {
    const std::lock_guard lock(mutex_);
    if (away_) {
        ++failed_reports_;
        changed_.notify_all();
        return fail(Errc::unavailable, "away");
    }
    if (stale_.contains(report.task.value)) {
        return fail(Errc::stale_attempt, "stale");
    }
    if (refusing_) {
        return fail(Errc::invalid_argument, "no such event");
    }
    if (!report.events.empty()) {
        first_seqs_.push_back(report.first_seq.value_or(0));
    }
    events_.insert(events_.end(), report.events.begin(), report.events.end());
    if (report.handle) {
        handles_.push_back(*report.handle);
    }
    ++reports_;
    changed_.notify_all();
    return ReportReceipt{};
}

Result<Task> FakePort::finish(const AttemptEnd& end) {
    const std::lock_guard lock(mutex_);
    if (stale_.contains(end.task.value)) {
        return fail(Errc::stale_attempt, "stale");
    }
    if (away_) {
        return fail(Errc::unavailable, "away");
    }
    ends_.push_back(end);
    changed_.notify_all();
    return Task{};
}

Result<std::vector<RunningAttempt>> FakePort::running(const WorkerId& /*worker*/) {
    const std::lock_guard lock(mutex_);
    return running_;
}

Status FakePort::retire(const WorkerId& /*worker*/) {
    const std::lock_guard lock(mutex_);
    retired_ = true;
    changed_.notify_all();
    return {};
}

void FakePort::release(const WorkerId& /*worker*/) {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
}

void FakePort::on_orders(const WorkerId& /*worker*/, std::function<void()> look) {
    const std::lock_guard lock(mutex_);
    look_ = std::move(look);
}

}  // namespace opslab::testing
