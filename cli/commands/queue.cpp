#include "commands/command.hpp"
#include "output/escape.hpp"
#include "output/task_text.hpp"

#include <opslab/task_state.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

ExitCode show_queue(Session& session) {
    const auto answer = session.fetch({.path = "/api/v1/tasks/stats"});
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    auto& terminal = session.terminal();
    const auto& stats = *answer->document;
    const auto counts = stats.value("by_status", nlohmann::json::object());
    for (const auto status : kTaskStatuses) {
        const std::string name{to_string(status)};
        terminal.line(fmt::format("{:<12} {}", name, field_text(counts, name.c_str())));
    }
    terminal.line(fmt::format("{:<12} {}", "total", field_text(stats, "total")));
    terminal.line(fmt::format("{:<12} {}", "success rate", field_text(stats, "success_rate")));
    for (const auto* key : {"queue_seconds", "duration_seconds"}) {
        const auto spread = stats.value(key, nlohmann::json::object());
        terminal.line(fmt::format(
            "{:<16} avg {}, p50 {}, p95 {}",
            key,
            field_text(spread, "avg"),
            field_text(spread, "p50"),
            field_text(spread, "p95")
        ));
    }
    return ExitCode::ok;
}

}  // namespace

void add_queue(CLI::App& root, Chosen& chosen) {
    const auto connection = std::make_shared<Connection>();
    auto* command =
        root.add_subcommand("queue", "Count the tasks by status, and how long they take");
    add_connection_options(*command, *connection);
    command->footer(
        "Examples:\n"
        "  opslab queue\n"
        "  opslab queue --json | jq .by_status.pending"
    );
    command->callback([connection, &chosen] {
        chosen.run = [connection] { return with_session(*connection, show_queue); };
    });
}

}  // namespace opslab::cli
