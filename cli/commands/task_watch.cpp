#include "base/system_clock.hpp"
#include "commands/command.hpp"
#include "watcher.hpp"

#include <CLI/CLI.hpp>

namespace opslab::cli {
namespace {

struct TaskWatchOptions {
    Connection connection{};
    std::string task{};
    int patience_seconds = 60;
};

}  // namespace

void add_task_watch(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskWatchOptions>();
    auto* command = task.add_subcommand(
        "watch", "Follow a task until it ends: its statuses, logs and steps as they happen"
    );
    command->add_option("TASK", options->task, "The task's id")->required();
    command
        ->add_option(
            "--patience-seconds",
            options->patience_seconds,
            "How long to go on trying when the coordinator is away"
        )
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    add_connection_options(*command, options->connection);
    command->footer(
        "What happened before is shown first. A broken connection is made again and goes on where\n"
        "it was. With --json each event is a line: {\"task_id\", \"event\", \"id\", \"data\"}.\n"
        "\n"
        "The exit code is the task's end: 0 completed with success, 3 completed without,\n"
        "4 failed or timed out, 5 cancelled; 6 if the coordinator stays away.\n"
        "\n"
        "Examples:\n"
        "  opslab task watch 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11\n"
        "  opslab task watch --json 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11 | "
        "jq -c 'select(.event==\"step\").data'"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                SystemClock clock;
                Watcher watcher{
                    session, clock, {.patience = std::chrono::seconds{options->patience_seconds}}};
                return watcher.watch(options->task);
            });
        };
    });
}

}  // namespace opslab::cli
