#include "unit/worker/fake_runner.hpp"

#include <poll.h>

namespace opslab::testing {

void FakeRunner::own(const std::string& run_id) {
    existing_.insert(run_id);
}

void FakeRunner::fail_start(RunnerError error) {
    const std::lock_guard lock(mutex_);
    start_error_ = std::move(error);
}

void FakeRunner::fail_health(RunnerError error) {
    const std::lock_guard lock(mutex_);
    health_error_ = std::move(error);
}

void FakeRunner::fail_lists(RunnerError error) {
    const std::lock_guard lock(mutex_);
    list_error_ = std::move(error);
}

void FakeRunner::recover() {
    const std::lock_guard lock(mutex_);
    start_error_.reset();
    health_error_.reset();
    list_error_.reset();
}

RunnerResult<std::string> FakeRunner::health() {
    const std::lock_guard lock(mutex_);
    return health_error_ ? RunnerResult<std::string>{tl::unexpect, *health_error_} : "in order";
}

void FakeRunner::wait_until_waiting(const std::string& run_id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.contains(run_id); });
}

void FakeRunner::wait_until_destroyed(const std::string& run_id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return destroyed_.contains(run_id); });
}

bool FakeRunner::was_stopped(const std::string& run_id) const {
    const std::lock_guard lock(mutex_);
    return stopped_.contains(run_id);
}

bool FakeRunner::exists(const std::string& run_id) const {
    const std::lock_guard lock(mutex_);
    return existing_.contains(run_id);
}

RunnerResult<RunHandle> FakeRunner::start(const RunRequest& request, Interrupt /*interrupt*/) {
    const std::lock_guard lock(mutex_);
    if (start_error_) {
        return tl::unexpected(*start_error_);
    }
    existing_.insert(request.run_id);
    return RunHandle{request.run_id};
}

RunnerResult<RunEnd> FakeRunner::wait(
    const RunHandle& handle,
    std::optional<std::string_view> position,
    RunSink& sink,
    Interrupt interrupt
) {
    {
        const std::lock_guard lock(mutex_);
        if (!existing_.contains(handle.text)) {
            return runner_fail(RunnerErrc::not_found, "no such run");
        }
        waiting_.insert(handle.text);
        changed_.notify_all();
    }
    Run run{.run_id = handle.text, .sink = &sink};
    if (position) {
        run.position = std::string(*position);
    }
    run.until_stopped = [this, interrupt, id = handle.text] {
        while (!was_stopped(id)) {
            pollfd wake{.fd = interrupt.fd, .events = POLLIN, .revents = 0};
            if (::poll(&wake, 1, 1) > 0) {
                return false;
            }
        }
        return true;
    };
    return script_(run);
}

RunnerStatus FakeRunner::check(const TaskSpec& /*task*/) {
    return check_error_ ? RunnerStatus{tl::unexpect, *check_error_} : RunnerStatus{};
}

RunnerStatus FakeRunner::stop(const RunHandle& handle, std::chrono::milliseconds /*grace*/) {
    const std::lock_guard lock(mutex_);
    if (failing_stops_ > 0) {
        --failing_stops_;
        return runner_fail(RunnerErrc::infrastructure, "the engine is away");
    }
    stopped_.insert(handle.text);
    return {};
}

RunnerStatus FakeRunner::destroy(const RunHandle& handle) {
    const std::lock_guard lock(mutex_);
    if (failing_destroys_ > 0) {
        --failing_destroys_;
        return runner_fail(RunnerErrc::infrastructure, "the engine is away");
    }
    existing_.erase(handle.text);
    destroyed_.insert(handle.text);
    changed_.notify_all();
    return {};
}

RunnerResult<std::vector<OwnedRun>> FakeRunner::list_owned(const WorkerId& /*worker*/) {
    const std::lock_guard lock(mutex_);
    if (list_error_) {
        return tl::unexpected(*list_error_);
    }
    std::vector<OwnedRun> owned;
    for (const auto& id : existing_) {
        owned.push_back({id, RunHandle{id}});
    }
    return owned;
}

void FakeRunner::know(std::optional<std::string> problems) {
    const std::lock_guard lock(mutex_);
    problems_ = std::move(problems);
}

void FakeRunner::fail_problems(RunnerError error) {
    const std::lock_guard lock(mutex_);
    problems_ = tl::unexpected(std::move(error));
}

std::string FakeRunner::asked_problems_of() const {
    const std::lock_guard lock(mutex_);
    return asked_problems_of_;
}

RunnerResult<std::optional<std::string>> FakeRunner::problems(const WorkerId& worker) {
    const std::lock_guard lock(mutex_);
    asked_problems_of_ = worker.value;
    return problems_;
}

}  // namespace opslab::testing
