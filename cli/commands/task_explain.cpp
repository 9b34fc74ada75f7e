#include "commands/command.hpp"
#include "output/table.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

using nlohmann::json;

struct Options {
    Connection connection{};
    std::string task{};
};

void show_waiting(const json& waiting, Terminal& terminal) {
    terminal.line(fmt::format("waits since   {}", field_text(waiting, "since")));
    terminal.line(fmt::format("tasks before  {}", field_text(waiting, "ahead")));
    if (field_text(waiting, "not_before") != "-") {
        terminal.line(fmt::format("not before    {}", field_text(waiting, "not_before")));
    }
    const auto workers = waiting.value("workers", json::array());
    const auto total = waiting.value("workers_total", workers.size());
    std::vector<std::vector<std::string>> rows{{"WORKER", "VERDICT", "WHY"}};
    for (const auto& worker : workers) {
        rows.push_back(
            {field_text(worker, "worker_id"),
             field_text(worker, "verdict"),
             field_text(worker, "message")}
        );
    }
    if (rows.size() > 1) {
        for (const auto& line : table_lines(rows)) {
            terminal.line(line);
        }
    }
    if (total > workers.size()) {
        terminal.line(fmt::format("and {} more workers", total - workers.size()));
    }
}

void show_running(const json& running, const json& usual, Terminal& terminal) {
    const auto line = [&](const char* label, const char* key) {
        terminal.line(fmt::format("{:<13} {}", label, field_text(running, key)));
    };
    line("worker", "worker_id");
    line("attempt", "attempt");
    line("since", "since");
    line("deadline", "deadline");
    line("lease until", "lease_until");
    terminal.line(fmt::format(
        "phase         {} since {}",
        field_text(running, "phase"),
        field_text(running, "phase_since")
    ));
    const auto last = running.value("last_event", json{});
    terminal.line(fmt::format(
        "last event    {} {}: {}",
        field_text(last, "timestamp"),
        field_text(last, "type"),
        field_text(last, "text")
    ));
    terminal.line(fmt::format(
        "usually       {} s (median), {} s (95 of 100)",
        field_text(usual, "p50"),
        field_text(usual, "p95")
    ));
}

void show(const json& told, Terminal& terminal) {
    const auto status = field_text(told, "status");
    terminal.line(fmt::format(
        "{}  {}", terminal.paint(colour_of_status(status), status), field_text(told, "summary")
    ));
    if (const auto waiting = told.value("waiting", json{}); waiting.is_object()) {
        show_waiting(waiting, terminal);
    }
    if (const auto running = told.value("running", json{}); running.is_object()) {
        show_running(running, told.value("usual_seconds", json{}), terminal);
    }
    for (const auto& line : attempt_lines(told.value("attempts", json::array()))) {
        terminal.line(line);
    }
}

ExitCode explain(Session& session, const Options& options) {
    const auto answer =
        session.fetch({.path = "/api/v1/tasks/" + url_encode(options.task) + "/explain"});
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    show(*answer->document, session.terminal());
    return ExitCode::ok;
}

}  // namespace

void add_task_explain(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<Options>();
    auto* command = task.add_subcommand(
        "explain", "Say why a task waits, how it runs or how it went, and what each worker lacks"
    );
    command->add_option("TASK", options->task, "The task's id")->required();
    add_connection_options(*command, options->connection);
    command->footer(
        "Examples:\n"
        "  opslab task explain 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11\n"
        "  opslab task explain --json 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11 | jq -r .reason"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return explain(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
