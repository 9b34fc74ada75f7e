#include "base/json.hpp"
#include "base/system_clock.hpp"
#include "commands/command.hpp"
#include "output/task_text.hpp"
#include "watcher.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct TaskLogsOptions {
    Connection connection{};
    std::string task{};
    std::string level{};
    std::string since{};
    bool follow = false;
};

ExitCode show_kept(Session& session, const TaskLogsOptions& options) {
    std::string cursor;
    for (;;) {
        const auto answer = session.fetch(
            {.path = "/api/v1/tasks/" + url_encode(options.task) + "/logs" +
                     query_string(
                         {{"level", options.level},
                          {"since", options.since},
                          {"limit", "1000"},
                          {"cursor", cursor}}
                     )}
        );
        if (!answer) {
            return answer.error();
        }
        const auto logs = answer->document->value("logs", nlohmann::json::array());
        for (const auto& log : logs) {
            if (session.wants_json()) {
                session.print_json(dump_json(log));
            } else {
                session.terminal().line(log_line(log, session.terminal()));
            }
        }
        // the API gives a cursor even at the end, to follow on with; an empty page is the end
        const auto next = answer->document->find("next_cursor");
        const bool more = next != answer->document->end() && next->is_string() && !logs.empty();
        if (!more || next->get_ref<const std::string&>() == cursor) {
            return ExitCode::ok;
        }
        cursor = next->get<std::string>();
    }
}

ExitCode run(Session& session, const TaskLogsOptions& options) {
    if (!options.follow) {
        return show_kept(session, options);
    }
    if (!options.level.empty() || !options.since.empty()) {
        return complain_usage("--follow shows every log: it goes without --level and --since");
    }
    SystemClock clock;
    Watcher watcher{session, clock, {.mode = WatchMode::logs_only}};
    const auto code = watcher.watch(options.task);
    // the logs were shown, whatever became of the task
    const bool no_end = code == ExitCode::refused || code == ExitCode::unreachable;
    return no_end ? code : ExitCode::ok;
}

}  // namespace

void add_task_logs(CLI::App& task, Chosen& chosen) {
    const auto options = std::make_shared<TaskLogsOptions>();
    auto* command = task.add_subcommand("logs", "Show a task's logs, oldest first");
    command->add_option("TASK", options->task, "The task's id")->required();
    command->add_option("--level", options->level, "Only this level and above")
        ->check(CLI::IsMember({"debug", "info", "warning", "error", "critical"}));
    command->add_option("--since", options->since, "Only after this time (RFC 3339)")
        ->type_name("TIME");
    command->add_flag("-f,--follow", options->follow, "Go on until the task ends");
    add_connection_options(*command, options->connection);
    command->footer(
        "With --json each log is a line. Control characters in a message are shown escaped.\n"
        "\n"
        "Examples:\n"
        "  opslab task logs 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11 --level warning\n"
        "  opslab task logs -f 01903c5e-8a6b-7cc2-9f3e-0d6c5c1d2a11"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] {
            return with_session(options->connection, [&](Session& session) {
                return run(session, *options);
            });
        };
    });
}

}  // namespace opslab::cli
