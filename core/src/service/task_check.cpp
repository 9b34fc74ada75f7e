#include "service/task_check.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

namespace opslab {

namespace {

/// Whether it will say the same for ever; an engine that is away is no reason to refuse a task.
bool is_refusal(const RunnerStatus& status) {
    return !status &&
           (status.error().code == RunnerErrc::task || status.error().code == RunnerErrc::invalid ||
            status.error().code == RunnerErrc::unsupported);
}

/// Tasks that a runner sees as the same; views of them.
auto identity(const NewTask& task) {
    const auto& given = task.parameters;
    return std::tuple<std::string_view, std::string_view, std::string_view, int>{
        task.problem_id, given.agent_config_json, given.metadata_json, given.max_steps};
}

}  // namespace

TaskCheck::TaskCheck(
    const std::map<std::string, Asked>& runners, WorkerStore& workers, Clock& clock, Logger& logger
)
    : workers_(workers), clock_(clock) {
    for (const auto& [name, asked] : runners) {
        runners_.emplace(
            name,
            Known{
                std::make_unique<TimedCheck>(name, *asked.runner, clock, logger), asked.has_workers}
        );
    }
}

std::map<std::size_t, std::string> TaskCheck::refused_by(
    const std::string& name, Known& runner, const std::vector<NewTask>& tasks, SteadyTime until
) {
    std::vector<TaskSpec> asked;
    std::map<std::size_t, std::size_t> question_of;  // a task's index to its question's
    std::map<decltype(identity(tasks.front())), std::size_t> known;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const auto& task = tasks[i];
        if (task.backend_type ? *task.backend_type != name : !runner.has_workers) {
            continue;
        }
        const auto [at, is_new] = known.emplace(identity(task), asked.size());
        if (is_new) {
            asked.push_back(TaskSpec{
                .problem_id = task.problem_id,
                .agent_config_json = task.parameters.agent_config_json,
                .metadata_json = task.parameters.metadata_json,
                .max_steps = task.parameters.max_steps,
            });
        }
        question_of.emplace(i, at->second);
    }
    std::map<std::size_t, std::string> refused;
    if (asked.empty()) {
        return refused;
    }
    const auto answers = runner.check->ask(std::move(asked), until);
    for (const auto& [task, question] : question_of) {
        const auto& answer = answers.at(question);
        if (answer && is_refusal(*answer)) {
            refused.emplace(task, answer->error().message);
        }
    }
    return refused;
}

bool TaskCheck::others_may_run_it() {
    const auto workers = workers_.list(WorkerQuery{});
    return !workers || std::any_of(workers->begin(), workers->end(), [this](const Worker& worker) {
        const auto known = runners_.find(worker.backend_type);
        return known == runners_.end() || !known->second.has_workers;
    });
}

std::vector<std::optional<std::string>> TaskCheck::refusals(const std::vector<NewTask>& tasks) {
    const auto until = clock_.steady() + kPatience;
    std::vector<std::optional<std::string>> reasons(tasks.size());
    std::vector<std::size_t> refusing(tasks.size());
    for (auto& [name, runner] : runners_) {
        for (auto& [task, reason] : refused_by(name, runner, tasks, until)) {
            ++refusing[task];
            auto& all = reasons[task];
            all = all ? *all + "; " + reason : std::move(reason);
        }
    }
    const auto able = static_cast<std::size_t>(std::count_if(
        runners_.begin(), runners_.end(), [](const auto& one) { return one.second.has_workers; }
    ));
    std::optional<bool> others;  // asked once, where it matters
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        if (!reasons[i] || tasks[i].backend_type) {
            continue;
        }
        if (refusing[i] == able && !others) {
            others = others_may_run_it();
        }
        if (refusing[i] < able || *others) {
            reasons[i].reset();
        }
    }
    return reasons;
}

}  // namespace opslab
