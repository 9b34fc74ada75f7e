#pragma once

#include <opslab/runner.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace opslab::testing {

/// A runner that only says which tasks it can run, and can be made to keep its answers back.
class CheckedRunner final : public Runner {
public:
    explicit CheckedRunner(std::map<std::string, RunnerErrc> refused = {})
        : refused_(std::move(refused)) {}

    [[nodiscard]] RunnerStatus check(const TaskSpec& task) override {
        std::unique_lock lock(mutex_);
        asked_.push_back(task);
        changed_.notify_all();
        changed_.wait(lock, [this] { return !holds_back_; });
        const auto found = refused_.find(task.problem_id);
        if (found == refused_.end()) {
            return {};
        }
        return runner_fail(found->second, "no room for " + task.problem_id);
    }
    void hold_back(bool holds_back) {
        const std::lock_guard lock(mutex_);
        holds_back_ = holds_back;
        changed_.notify_all();
    }
    void wait_until_asked(std::size_t times) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_.size() >= times; });
    }
    [[nodiscard]] std::vector<TaskSpec> asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest&, Interrupt) override {
        return never();
    }
    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle&, std::optional<std::string_view>, RunSink&, Interrupt
    ) override {
        return never();
    }
    [[nodiscard]] RunnerStatus stop(const RunHandle&, std::chrono::milliseconds) override {
        return never();
    }
    [[nodiscard]] RunnerStatus destroy(const RunHandle&) override { return never(); }
    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId&) override {
        return never();
    }

private:
    static tl::unexpected<RunnerError> never() {
        return runner_fail(RunnerErrc::internal, "a check starts nothing");
    }

    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::map<std::string, RunnerErrc> refused_;
    std::vector<TaskSpec> asked_{};
    bool holds_back_ = false;
};

}  // namespace opslab::testing
