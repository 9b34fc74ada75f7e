#pragma once

#include "plugin/call_watch.hpp"
#include "plugin/guarded_runner.hpp"
#include "temp_folder.hpp"

#include <opslab/testing/fakes.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace opslab::plugin {

/// What a host lends, and what it hears.
class RunnerBench final : public CallObserver {
public:
    struct Call {
        std::string plugin{};
        std::string verb{};
        bool ok = false;

        bool operator==(const Call&) const = default;
    };

    void observe(
        std::string_view plugin, std::string_view call, Duration /*took*/, bool ok
    ) noexcept override {
        const std::scoped_lock guard{mutex_};
        calls_.push_back({std::string{plugin}, std::string{call}, ok});
    }

    [[nodiscard]] Result<std::unique_ptr<Runner>> open(
        const std::string& stem, const std::string& config
    ) {
        const RunnerHostFacts facts{clock, logger, folder.path() / "state", "9.8.7", runner_name};
        const auto file = std::filesystem::path(OPSLAB_TEST_PLUGIN_DIR) / (stem + ".so");
        return open_runner(file, facts, config, this);
    }

    [[nodiscard]] std::vector<Call> calls() const {
        const std::scoped_lock guard{mutex_};
        return calls_;
    }

    [[nodiscard]] CallWatch* watch() noexcept override { return watched ? &*watched : nullptr; }

    std::string runner_name{};  ///< as configured
    testing::FakeClock clock{};
    testing::CapturingLogger logger{};
    TempFolder folder{};
    std::optional<CallWatch> watched{};

private:
    mutable std::mutex mutex_;  // a run waits on one thread and is stopped from another
    std::vector<Call> calls_{};
};

/// Remembers what a run said; leaves off after `limit` deliveries.
class CollectingSink final : public RunSink {
public:
    explicit CollectingSink(std::size_t limit = 1'000'000) : limit_(limit) {}

    SinkAnswer event(std::string_view json) override { return take("event " + std::string{json}); }
    SinkAnswer output(OutputStream stream, std::string_view line, bool truncated) override {
        sizes.push_back(line.size());
        const std::string kind = stream == OutputStream::out ? "out " : "err ";
        return take(kind + std::string{line.substr(0, 20)} + (truncated ? " (cut)" : ""));
    }
    SinkAnswer position(std::string_view text) override {
        positions.emplace_back(text);
        return SinkAnswer::go_on;
    }

    std::vector<std::string> lines{};
    std::vector<std::string> positions{};
    std::vector<std::size_t> sizes{};

private:
    SinkAnswer take(std::string line) {
        lines.push_back(std::move(line));
        return lines.size() >= limit_ ? SinkAnswer::leave_off : SinkAnswer::go_on;
    }

    std::size_t limit_;
};

/// A request whose run id is `run_id`.
inline RunRequest a_request(const std::string& run_id, const std::string& fake_script = "{}") {
    RunRequest request;
    request.run_id = run_id;
    request.slot = SlotSpec{WorkerId{"worker-001-fake"}, 0};
    request.task = TaskId{"018f0000-0000-7000-8000-000000000001"};
    request.problem_id = "p";
    request.task_json = R"({"agent_config":{"fake":)" + fake_script + "}}";
    return request;
}

}  // namespace opslab::plugin
