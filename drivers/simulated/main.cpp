#include "help_txt.hpp"
#include "incident.hpp"
#include "journal.hpp"
#include "misbehaviour.hpp"
#include "reporter.hpp"
#include "task.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace {

using simulated::After;
using simulated::Incident;
using simulated::Outcome;
using simulated::Reporter;
using simulated::Step;
using simulated::Task;

constexpr int kTerminated = 143;
constexpr int kSlowStepMs = 200;

constexpr std::array<std::string_view, 19> kModes{
    "ok",
    "fail",
    "error",
    "infrastructure",
    "hang",
    "flood",
    "binary",
    "fork",
    "crash",
    "no_result",
    "exit",
    "oom",
    "badjson",
    "long_line",
    "slow",
    "fake_event",
    "inspect",
    "out_of_steps",
    "ignore_sigterm"};

[[nodiscard]] bool ends_badly(const Task& task) {
    return task.script.mode == "fail" || task.script.mode == "out_of_steps" ||
           task.script.mode == "fake_event";
}

class Play {
public:
    explicit Play(const Task& task)
        : task_(task),
          incident_(simulated::incident_of(task.problem_id)),
          reporter_(task.event_prefix) {}

    /// The exit code.
    [[nodiscard]] int run() {
        reporter_.phase("setup", "begin");
        reporter_.log("info", "simulated " + std::string(incident_.type) + " set up", 0);
        if (task_.script.mode == "infrastructure") {
            return broken("infrastructure", "setup", "simulated: the cluster did not come up");
        }
        reporter_.phase("setup", "end");
        reporter_.phase("loop", "begin");
        if (const auto ended = loop()) {
            return *ended;
        }
        reporter_.phase("loop", "end");
        if (task_.script.mode == "no_result") {
            return task_.script.exit_code;
        }
        reporter_.phase("evaluate", "begin");
        reporter_.result(outcome_);
        reporter_.phase("evaluate", "end");
        reporter_.phase("teardown", "begin");
        reporter_.phase("teardown", "end");
        reporter_.clean();
        return task_.script.exit_code;
    }

private:
    // The exit code where the run ends in the middle.
    [[nodiscard]] std::optional<int> loop() {
        const bool is_aimless = task_.script.mode == "out_of_steps";
        const int own = static_cast<int>(incident_.scenes.size());
        const int wanted = is_aimless ? task_.max_steps : task_.script.steps.value_or(own);
        const int total = std::clamp(wanted, 1, std::max(task_.max_steps, 1));
        for (int number = 1; number <= total; ++number) {
            play_step(number, is_aimless ? total + 1 : total);
            if (simulated::wait_for_sigterm(step_ms())) {
                return terminated();
            }
            if (number > 1) {
                continue;
            }
            if (task_.script.mode == "error") {
                return broken("task", "loop", "simulated: the agent answered nonsense");
            }
            switch (simulated::misbehave(task_, reporter_)) {
                case After::terminate:
                    return terminated();
                case After::end_now:
                    return task_.script.exit_code;
                case After::go_on:
                    break;
            }
        }
        return std::nullopt;
    }

    void play_step(int number, int total) {
        Step step = simulated::make_step(incident_, number, total, task_);
        outcome_.steps = number;
        if (number == total) {
            outcome_.submission = step.action;
            step.reward = outcome_.reward;
        }
        reporter_.step(step);
    }

    [[nodiscard]] int step_ms() const {
        const bool is_slow = task_.script.mode == "slow" && task_.script.step_ms == 0;
        return is_slow ? kSlowStepMs : std::max(task_.script.step_ms, 0);
    }

    [[nodiscard]] int broken(std::string_view kind, std::string_view phase, const char* message) {
        reporter_.error(kind, phase, message);
        reporter_.err(std::string(message) + "\n");
        return task_.script.exit_code == 0 ? 1 : task_.script.exit_code;
    }

    [[nodiscard]] int terminated() {
        reporter_.phase("teardown", "begin");
        reporter_.log("warning", "SIGTERM: the incident is ended early", 0);
        reporter_.phase("teardown", "end");
        return kTerminated;
    }

    [[nodiscard]] static Outcome planned(const Task& task, const Incident& incident) {
        Outcome outcome;
        outcome.success = task.script.success.value_or(!ends_badly(task));
        outcome.reward = task.script.reward.value_or(outcome.success ? 1.0 : 0.0);
        outcome.task_type = incident.type;
        return outcome;
    }

    const Task& task_;
    const Incident& incident_;
    Reporter reporter_;
    Outcome outcome_ = planned(task_, incident_);
};

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        const std::string_view option = argv[1];
        const bool wants_help = option == "--help" || option == "-h";
        std::fprintf(
            wants_help ? stdout : stderr,
            "%.*s",
            static_cast<int>(simulated::k_help_txt.size()),
            simulated::k_help_txt.data()
        );
        return wants_help ? 0 : 2;
    }
    std::setvbuf(stdout, nullptr, _IOFBF, 65536);
    std::setvbuf(stderr, nullptr, _IOFBF, 65536);
    std::string problem;
    const auto task = simulated::take_task(problem);
    if (!task) {
        std::fprintf(stderr, "opslab-driver-simulated: %s\n", problem.c_str());
        return 2;
    }
    if (std::find(kModes.begin(), kModes.end(), task->script.mode) == kModes.end()) {
        std::fprintf(
            stderr,
            "opslab-driver-simulated: no mode \"%s\"; see --help\n",
            task->script.mode.c_str()
        );
        return 2;
    }
    simulated::set_up_sigterm(task->script.mode == "ignore_sigterm");
    simulated::begin_journal(*task);
    const int code = Play(*task).run();
    std::fflush(stdout);
    std::fflush(stderr);
    simulated::end_journal(*task);
    return code;
}
