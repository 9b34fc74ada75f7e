#include "base/json.hpp"
#include "commands/command.hpp"
#include "output/table.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct TaskListOptions {
    Connection connection{};
    std::string status{};
    std::string problem{};
    std::string worker{};
    std::string backend{};
    std::string group{};
    std::string sort{};
    std::string cursor{};
    int limit = 20;
    bool all = false;
};

std::string path_of(const TaskListOptions& options, const std::string& cursor) {
    return "/api/v1/tasks" + query_string(
                                 {{"status", options.status},
                                  {"problem_id", options.problem},
                                  {"worker_id", options.worker},
                                  {"backend_type", options.backend},
                                  {"group_id", options.group},
                                  {"sort", options.sort},
                                  {"limit", std::to_string(options.all ? 100 : options.limit)},
                                  {"cursor", cursor}}
                             );
}

void show_page(Session& session, const Answer& answer, const TaskListOptions& options) {
    const auto tasks = answer.document->value("tasks", nlohmann::json::array());
    if (session.wants_json()) {
        if (!options.all) {
            session.print_json(answer.text);
            return;
        }
        for (const auto& task : tasks) {
            session.print_json(dump_json(task));
        }
        return;
    }
    for (const auto& line : table_lines(task_rows(tasks))) {
        session.terminal().line(line);
    }
}

ExitCode list(Session& session, const TaskListOptions& options) {
    std::string cursor = options.cursor;
    for (;;) {
        const auto answer = session.fetch({.path = path_of(options, cursor)});
        if (!answer) {
            return answer.error();
        }
        show_page(session, *answer, options);
        const auto next = answer->document->find("next_cursor");
        const bool more = next != answer->document->end() && next->is_string();
        if (!options.all || !more) {
            if (!session.wants_json() && more) {
                session.terminal().line(fmt::format(
                    "{} tasks in all; more with --all or --cursor {}",
                    field_text(*answer->document, "total"),
                    field_text(*answer->document, "next_cursor")
                ));
            }
            return ExitCode::ok;
        }
        cursor = next->get<std::string>();
    }
}

}  // namespace

void add_task_list(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskListOptions>();
    auto* command = task.add_subcommand("list", "List tasks, newest first");
    command->add_option("--status", options->status, "Only tasks in this status")
        ->check(CLI::IsMember({"pending", "running", "completed", "failed", "timeout", "cancelled"})
        );
    command->add_option("--problem", options->problem, "Only tasks of this problem");
    command->add_option("--worker", options->worker, "Only tasks of this worker");
    command->add_option("--backend", options->backend, "Only tasks for this backend type");
    command->add_option("--group", options->group, "Only tasks of this group");
    command->add_option("--sort", options->sort, "Order (default: -created_at, newest first)")
        ->check(CLI::IsMember({"created_at", "-created_at", "priority", "-priority"}));
    command->add_option("--limit", options->limit, "How many to show")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->add_option("--cursor", options->cursor, "Go on from where an earlier list ended");
    command->add_flag("--all", options->all, "All pages; with --json one task a line");
    add_connection_options(*command, options->connection);
    command->footer(
        "Examples:\n"
        "  opslab task list --status running\n"
        "  opslab task list --group sweep-7 --all --json | jq -r .id"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return list(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
