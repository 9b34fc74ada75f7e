#include "commands/command.hpp"
#include "output/table.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct WorkerListOptions {
    Connection connection{};
    std::string status{};
    std::string backend{};
};

ExitCode list(Session& session, const WorkerListOptions& options) {
    const auto answer = session.fetch(
        {.path = "/api/v1/workers" +
                 query_string({{"status", options.status}, {"backend_type", options.backend}})}
    );
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    std::vector<std::vector<std::string>> rows{
        {"WORKER", "STATUS", "TASK", "COMPLETED", "FAILED", "LAST HEARTBEAT"}};
    for (const auto& worker : answer->document->value("workers", nlohmann::json::array())) {
        rows.push_back(
            {field_text(worker, "id"),
             field_text(worker, "status"),
             field_text(worker, "current_task_id"),
             field_text(worker, "tasks_completed"),
             field_text(worker, "tasks_failed"),
             field_text(worker, "last_heartbeat")}
        );
    }
    for (const auto& line : table_lines(rows)) {
        session.terminal().line(line);
    }
    return ExitCode::ok;
}

}  // namespace

void add_worker_list(CLI::App& worker, Chosen& chosen) {
    const auto options = std::make_shared<WorkerListOptions>();
    auto* command = worker.add_subcommand("list", "List the workers that have registered");
    command->add_option("--status", options->status, "Only workers in this status")
        ->check(CLI::IsMember({"idle", "busy", "offline"}));
    command->add_option("--backend", options->backend, "Only workers of this backend type");
    add_connection_options(*command, options->connection);
    command->footer(
        "Examples:\n"
        "  opslab worker list\n"
        "  opslab worker list --backend docker --status busy"
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
