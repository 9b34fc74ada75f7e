#include "commands/command.hpp"
#include "output/table.hpp"
#include "output/task_text.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct ProblemListOptions {
    Connection connection{};
    std::string task_type{};
    std::string application{};
};

std::string listed_words(const nlohmann::json& words) {
    std::string text;
    for (const auto& word : words) {
        text += (text.empty() ? "" : ", ") + word.get<std::string>();
    }
    return text;
}

ExitCode list(Session& session, const ProblemListOptions& options) {
    const auto answer = session.fetch(
        {.path = "/api/v1/problems" +
                 query_string({{"task_type", options.task_type}, {"app", options.application}})}
    );
    if (!answer) {
        return answer.error();
    }
    if (session.wants_json()) {
        session.print_json(answer->text);
        return ExitCode::ok;
    }
    std::vector<std::vector<std::string>> rows{
        {"PROBLEM", "TYPE", "APPLICATION", "RUNS ON", "NEEDS", "TOLD BY"}};
    for (const auto& problem : answer->document->value("problems", nlohmann::json::array())) {
        rows.push_back(
            {field_text(problem, "id"),
             field_text(problem, "task_type"),
             field_text(problem, "application"),
             field_text(problem, "deployment"),
             listed_words(problem.value("needs", nlohmann::json::array())),
             field_text(problem, "told_by")}
        );
    }
    for (const auto& line : table_lines(rows)) {
        session.terminal().line(line);
    }
    return ExitCode::ok;
}

}  // namespace

void add_problem_list(CLI::App& problem, Chosen& chosen) {
    const auto options = std::make_shared<ProblemListOptions>();
    auto* command =
        problem.add_subcommand("list", "List AIOpsLab's problems, and what workers tell of");
    command
        ->add_option(
            "--task-type", options->task_type, "detection, localization, analysis or mitigation"
        )
        ->type_name("NAME");
    command->add_option("--app", options->application, "Only of this application")
        ->type_name("NAME");
    add_connection_options(*command, options->connection);
    command->footer(
        "Examples:\n"
        "  opslab problem list\n"
        "  opslab problem list --task-type mitigation --app hotel-reservation"
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
