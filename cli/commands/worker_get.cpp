#include "commands/command.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct WorkerGetOptions {
    Connection connection{};
    std::string worker{};
};

ExitCode get(Session& session, const WorkerGetOptions& options) {
    const auto answer = session.fetch({.path = "/api/v1/workers/" + url_encode(options.worker)});
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    for (const auto* key :
         {"id",
          "backend_type",
          "status",
          "current_task_id",
          "tasks_completed",
          "tasks_failed",
          "capabilities",
          "metadata",
          "registered_at",
          "last_heartbeat"}) {
        session.terminal().line(fmt::format("{:<16} {}", key, field_text(*answer->document, key)));
    }
    return ExitCode::ok;
}

}  // namespace

void add_worker_get(CLI::App& worker, Chosen& chosen) {
    const auto options = std::make_shared<WorkerGetOptions>();
    auto* command = worker.add_subcommand("get", "Show one worker");
    command->add_option("WORKER", options->worker, "The worker's id")->required();
    add_connection_options(*command, options->connection);
    command->footer(
        "Example:\n"
        "  opslab worker get worker-001-process"
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
