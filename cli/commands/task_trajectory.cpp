#include "commands/command.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct TaskTrajectoryOptions {
    Connection connection{};
    std::string task{};
};

ExitCode show(Session& session, const TaskTrajectoryOptions& options) {
    const auto answer =
        session.fetch({.path = "/api/v1/tasks/" + url_encode(options.task) + "/trajectory"});
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    const auto steps = answer->document->value("steps", nlohmann::json::array());
    session.terminal().line(
        fmt::format("attempt {}, {} steps", field_text(*answer->document, "attempt"), steps.size())
    );
    for (const auto& step : steps) {
        for (const auto& line : step_lines(step, session.terminal())) {
            session.terminal().line(line);
        }
    }
    return ExitCode::ok;
}

}  // namespace

void add_task_trajectory(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskTrajectoryOptions>();
    auto* command = task.add_subcommand(
        "trajectory", "Show the steps of a task: what the agent saw and what it did"
    );
    command->add_option("TASK", options->task, "The task's id")->required();
    add_connection_options(*command, options->connection);
    command->footer(
        "Examples:\n"
        "  opslab task trajectory 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11\n"
        "  opslab task trajectory --json 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11 | "
        "jq -r '.steps[].action'"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return show(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
