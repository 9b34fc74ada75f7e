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

#include <fstream>
#include <stdexcept>
#include <utility>

namespace opslab {
namespace {

constexpr const char* kSchema = R"({"type": "object", "required": ["command"], "properties": {
    "command": {"type": "array", "items": {"type": "string"}, "minItems": 1,
        "description": "The driver."},
    "flaw": {"type": "string", "default": "none", "description": "What it does wrong."}}})";

[[noreturn]] void hang() {
    for (;;) {
        ::poll(nullptr, 0, -1);
    }
}

/// What comes between a run and the host.
class FlawedSink final : public RunSink {
public:
    FlawedSink(RunSink& to, const std::string& flaw) : to_(to), flaw_(flaw) {}

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
    const std::string& flaw_;
};

class FlawedRunner final : public Runner {
public:
    FlawedRunner(const nlohmann::json& config, const RunnerHost& host)
        : command_(config.at("command")),
          flaw_(config.at("flaw")),
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
        misbehave_in("start");
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
        misbehave_in("wait");
        FlawedSink flawed{sink, flaw_};
        auto end = runs_.wait(handle, flawed, interrupt);
        while (end && flaw_ == "floods") {
            // deaf to the answer, too
            static_cast<void>(sink.event(R"({"type":"log","level":"info","message":"flood"})"));
        }
        if (end && flaw_ == "forgets-the-code") {
            end->code = 0;
        }
        return end;
    }

    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace)
        override {
        misbehave_in("stop");
        return runs_.stop(handle, flaw_ == "rough" ? std::chrono::milliseconds{0} : grace);
    }

    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle) override {
        misbehave_in("destroy");
        return runs_.destroy(handle);
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        if (flaw_ == "forgets-runs") {
            return std::vector<OwnedRun>{};
        }
        return runs_.list_owned(worker);
    }

    [[nodiscard]] RunnerResult<std::string> health() override {
        misbehave_in("health");
        return runs_.health();
    }

private:
    /// The flaws `throws-in-VERB`, `hangs-in-VERB` and `crashes-in-VERB`.
    void misbehave_in(const std::string& verb) const {
        if (flaw_ == "throws-in-" + verb) {
            throw std::runtime_error("thrown in " + verb);
        }
        if (flaw_ == "hangs-in-" + verb) {
            hang();
        }
        if (flaw_ == "crashes-in-" + verb) {
            ::raise(SIGSEGV);
        }
    }

    std::vector<std::string> command_;
    std::string flaw_;
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
