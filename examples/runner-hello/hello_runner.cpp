#include <opslab/exec/local_runs.hpp>
#include <opslab/exec/program_path.hpp>
#include <opslab/runner_plugin.hpp>

#include <nlohmann/json.hpp>

#include <utility>

// A runner in about a hundred lines: it starts the driver as a child process of opslab and gives it
// a greeting. What is yours to change is marked with (1) to (4); README.md says how.
namespace {

using namespace opslab;

// (1) Your settings, as JSON Schema. opslab checks them before it makes a runner, fills in the
// defaults, and `opslab plugin info hello` prints them.
constexpr const char* kConfigSchema = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["command"],
  "properties": {
    "command": {
      "type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1,
      "description": "The driver and its arguments, run without a shell."
    },
    "greeting": {
      "type": "string", "default": "good morning",
      "description": "What the driver finds in the variable HELLO_GREETING."
    }
  }
})";

class HelloRunner final : public Runner {
public:
    HelloRunner(const nlohmann::json& config, const RunnerHost& host)
        : command_(config.at("command")),
          environment_({}, {{"HELLO_GREETING", config.at("greeting")}}),
          runs_({.runner = "hello", .supervisor = exec::installed_supervisor()}, host) {}

    // (2) Tasks that can never run here are refused when they are submitted.
    RunnerStatus check(const TaskSpec& task) override {
        if (task.max_steps > 500) {
            return runner_fail(RunnerErrc::task, "more than 500 steps are too many here");
        }
        return {};
    }

    // (3) What is started. Put a launcher in front of the driver, or variables into its
    // environment.
    RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt) override {
        auto program = driver();
        if (!program) {
            return tl::unexpected(program.error());
        }
        const exec::LocalCommand command{
            .program = *program, .arguments = command_, .environment = environment_};
        return runs_.start(request, command, interrupt);
    }

    RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> /*position*/,
        RunSink& sink,
        Interrupt interrupt
    ) override {
        return runs_.wait(handle, sink, interrupt);
    }

    RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace) override {
        return runs_.stop(handle, grace);
    }

    RunnerStatus destroy(const RunHandle& handle) override { return runs_.destroy(handle); }

    RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        return runs_.list_owned(worker);
    }

    // (4) Is everything here that runs need? `opslab doctor` asks.
    RunnerResult<std::string> health() override {
        const auto program = driver();
        if (!program) {
            return tl::unexpected(program.error());
        }
        return runs_.health().map([&](const std::string& root) {
            return "driver " + *program + ", runs under " + root;
        });
    }

private:
    RunnerResult<std::string> driver() const {
        return exec::find_program(command_.front(), environment_.path(), exec::own_directory());
    }

    std::vector<std::string> command_;
    exec::ChildEnvironment environment_;
    exec::LocalRuns runs_;
};

RunnerResult<std::unique_ptr<Runner>> create(const RunnerHost& host, const std::string& config) {
    return std::make_unique<HelloRunner>(nlohmann::json::parse(config), host);
}

}  // namespace

OPSLAB_RUNNER_PLUGIN("hello", HELLO_VERSION, kConfigSchema, create);
