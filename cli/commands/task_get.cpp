#include "commands/command.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct TaskGetOptions {
    Connection connection{};
    std::string task{};
    bool logs = false;
};

ExitCode get(Session& session, const TaskGetOptions& options) {
    const auto answer = session.fetch(
        {.path = "/api/v1/tasks/" + url_encode(options.task) +
                 (options.logs ? "?include_logs=true" : "")}
    );
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    for (const auto& line : task_lines(*answer->document, session.terminal())) {
        session.terminal().line(line);
    }
    const auto logs = answer->document->find("logs");
    if (options.logs && logs != answer->document->end()) {
        for (const auto& log : *logs) {
            session.terminal().line(log_line(log, session.terminal()));
        }
    }
    return ExitCode::ok;
}

}  // namespace

void add_task_get(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskGetOptions>();
    auto* command = task.add_subcommand("get", "Show one task: its status, attempts and result");
    command->add_option("TASK", options->task, "The task's id")->required();
    command->add_flag("--logs", options->logs, "Show its logs too");
    add_connection_options(*command, options->connection);
    command->footer(
        "Examples:\n"
        "  opslab task get 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11\n"
        "  opslab task get --json 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11 | jq .result.reward"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return get(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
