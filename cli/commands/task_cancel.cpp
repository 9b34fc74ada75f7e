#include "commands/command.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace opslab::cli {
namespace {

struct TaskCancelOptions {
    Connection connection{};
    std::vector<std::string> tasks{};
};

/// Goes on after a refusal, so that one ended task does not save the others.
ExitCode cancel(Session& session, const TaskCancelOptions& options) {
    auto code = ExitCode::ok;
    for (const auto& id : options.tasks) {
        const auto answer =
            session.fetch({.method = "POST", .path = "/api/v1/tasks/" + url_encode(id) + "/cancel"}
            );
        if (!answer) {
            code = answer.error();
            if (code == ExitCode::unreachable) {
                return code;
            }
        } else if (session.wants_json()) {
            session.print_json(answer->text);
        } else {
            session.terminal().line(fmt::format(
                "{} {}",
                field_text(*answer->document, "id"),
                field_text(*answer->document, "status")
            ));
        }
    }
    return code;
}

}  // namespace

void add_task_cancel(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskCancelOptions>();
    auto* command = task.add_subcommand(
        "cancel", "Cancel tasks: they end at once, and a run under way is stopped"
    );
    command->add_option("TASK", options->tasks, "The ids of the tasks")->required();
    add_connection_options(*command, options->connection);
    command->footer(
        "A task that has ended already stays as it is, and the exit code is 1.\n"
        "\n"
        "Examples:\n"
        "  opslab task cancel 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11\n"
        "  opslab task list --group sweep-7 --status pending --all --json | jq -r .id |\n"
        "    xargs -r opslab task cancel"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return cancel(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
