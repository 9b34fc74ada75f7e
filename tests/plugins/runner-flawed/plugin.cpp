// A runner of processes that keeps every promise but the one that its setting `flaw` names: what
// `opslab plugin check` must find, and what must not harm anybody else in a running opslab.
#include <opslab/exec/local_runs.hpp>
#include <opslab/exec/program_path.hpp>
#include <opslab/runner_plugin.hpp>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace opslab {
namespace {

constexpr const char* kSchema = R"({"type": "object", "required": ["command"], "properties": {
    "command": {"type": "array", "items": {"type": "string"}, "minItems": 1,
        "description": "The driver."},
    "flaw": {"type": "string", "default": "none", "description": "What it does wrong."},
    "only": {"type": "string", "default": "",
        "description": "Of one problem alone: runs of others are as they should be."}}})";

[[noreturn]] void hang() {
    for (;;) {
        ::poll(nullptr, 0, -1);
    }
}

/// What comes between a run and the host.
class FlawedSink final : public RunSink {
public:
    FlawedSink(RunSink& to, std::string flaw) : to_(to), flaw_(std::move(flaw)) {}

    [[nodiscard]] SinkAnswer event(std::string_view json) override {
        return to_.event(flaw_ == "nonsense-events" ? std::string_view{"{\"type\": \xff]"} : json);
    }

    [[nodiscard]] SinkAnswer output(OutputStream stream, std::string_view line, bool truncated)
        override {
        return to_.output(
            stream, flaw_ == "drops-nul" ? line.substr(0, line.find('\0')) : line, truncated
        );
    }

    [[nodiscard]] SinkAnswer position(std::string_view text) override { return to_.position(text); }

private:
    RunSink& to_;
    std::string flaw_;
};

class FlawedRunner final : public Runner {
public:
    FlawedRunner(const nlohmann::json& config, const RunnerHost& host)
        : command_(config.at("command")),
          flaw_(config.at("flaw")),
          only_(config.at("only")),
          state_dir_(host.state_dir()),
          environment_({}, {}),
          runs_({.runner = "flawed", .supervisor = exec::installed_supervisor()}, host) {}

    ~FlawedRunner() override = default;

    [[nodiscard]] RunnerStatus check(const TaskSpec& /*task*/) override {
        if (flaw_ == "exits-in-check") {
            ::_exit(0);
        }
        return {};
    }

    [[nodiscard]] RunnerStatus prepare(const SlotSpec& /*slot*/, Interrupt /*interrupt*/) override {
        if (flaw_ == "crashes-in-prepare") {
            ::raise(SIGSEGV);
        }
        return {};
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override {
        if (only_ == request.problem_id) {
            std::filesystem::create_directories(spoilt_runs());
            std::ofstream{spoilt_runs() / request.run_id} << "x";
        }
        if (only_.empty() || only_ == request.problem_id) {
            misbehave_in("start", flaw_);
        }
        if (flaw_ == "leaks") {
            static_cast<void>(!::open("/dev/null", O_RDONLY | O_CLOEXEC));
        }
        auto program =
            exec::find_program(command_.front(), environment_.path(), exec::own_directory());
        if (!program) {
            return tl::unexpected(program.error());
        }
        const exec::LocalCommand command{
            .program = *program, .arguments = command_, .environment = environment_};
        if (flaw_ == "leaves-files") {
            std::ofstream{state_dir_ + "/" + request.run_id + ".left"} << "x";
        }
        return runs_.start(request, command, interrupt);
    }

    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> /*position*/,
        RunSink& sink,
        Interrupt interrupt
    ) override {
        const std::string flaw = flaw_of(handle);
        misbehave_in("wait", flaw);
        FlawedSink flawed{sink, flaw};
        auto end = runs_.wait(handle, flawed, interrupt);
        while (end && flaw == "floods") {
            // deaf to the answer, too
            static_cast<void>(sink.event(R"({"type":"log","level":"info","message":"flood"})"));
        }
        if (end && flaw == "forgets-the-code") {
            end->code = 0;
        }
        return end;
    }

    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace)
        override {
        const std::string flaw = flaw_of(handle);
        misbehave_in("stop", flaw);
        return runs_.stop(handle, flaw == "rough" ? std::chrono::milliseconds{0} : grace);
    }

    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle) override {
        misbehave_in("destroy", flaw_of(handle));
        return runs_.destroy(handle);
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        misbehave_in("list_owned", flaw_);
        if (flaw_ == "forgets-runs") {
            return std::vector<OwnedRun>{};
        }
        return runs_.list_owned(worker);
    }

    [[nodiscard]] RunnerResult<std::string> health() override {
        misbehave_in("health", flaw_);
        return runs_.health();
    }

private:
    /// The flaws `throws-in-VERB`, `hangs-in-VERB` and `crashes-in-VERB`.
    static void misbehave_in(const std::string& verb, const std::string& flaw) {
        if (flaw == "throws-in-" + verb) {
            throw std::runtime_error("thrown in " + verb);
        }
        if (flaw == "hangs-in-" + verb) {
            hang();
        }
        if (flaw == "crashes-in-" + verb) {
            ::raise(SIGSEGV);
        }
    }

    [[nodiscard]] std::filesystem::path spoilt_runs() const {
        return std::filesystem::path{state_dir_} / "spoilt";
    }

    /// What is wrong with this run; the runner may be the one after a crash.
    [[nodiscard]] std::string flaw_of(const RunHandle& handle) const {
        std::error_code none;
        for (const auto& run : std::filesystem::directory_iterator(spoilt_runs(), none)) {
            if (handle.text.find(run.path().filename().string()) != std::string::npos) {
                return flaw_;
            }
        }
        return only_.empty() ? flaw_ : "none";
    }

    std::vector<std::string> command_;
    std::string flaw_;
    std::string only_;
    std::string state_dir_;
    exec::ChildEnvironment environment_;
    exec::LocalRuns runs_;
};

RunnerResult<std::unique_ptr<Runner>> create(const RunnerHost& host, const std::string& config) {
    return std::unique_ptr<Runner>{
        std::make_unique<FlawedRunner>(nlohmann::json::parse(config), host)};
}

}  // namespace
}  // namespace opslab

OPSLAB_RUNNER_PLUGIN("flawed", OPSLAB_PLUGIN_VERSION, opslab::kSchema, opslab::create);
