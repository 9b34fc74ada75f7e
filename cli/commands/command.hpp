#pragma once

#include "session.hpp"

#include <functional>
#include <string>

namespace CLI {
class App;
}

/// Each verb has its own file with one `add_…` function: it declares the options and, when the verb
/// was given, leaves its work in `chosen`.
namespace opslab::cli {

/// What the command line asked for.
struct Chosen {
    std::function<ExitCode()> run{};
};

void add_serve(CLI::App& root, Chosen& chosen);
void add_task_submit(CLI::App& task, Chosen& chosen);
void add_task_get(CLI::App& task, Chosen& chosen);
void add_task_list(CLI::App& task, Chosen& chosen);
void add_task_watch(CLI::App& task, Chosen& chosen);
void add_task_cancel(CLI::App& task, Chosen& chosen);
void add_task_logs(CLI::App& task, Chosen& chosen);
void add_task_explain(CLI::App& task, Chosen& chosen);
void add_task_trajectory(CLI::App& task, Chosen& chosen);
void add_trajectory_export(CLI::App& trajectory, Chosen& chosen);
void add_worker_list(CLI::App& worker, Chosen& chosen);
void add_worker_get(CLI::App& worker, Chosen& chosen);
/// The noun without a verb: runs a worker.
void add_worker_run(CLI::App& worker, Chosen& chosen);
void add_problem_list(CLI::App& problem, Chosen& chosen);
void add_queue(CLI::App& root, Chosen& chosen);
void add_completion(CLI::App& root, Chosen& chosen);
void add_manual(CLI::App& root, Chosen& chosen);
void add_doctor(CLI::App& root, Chosen& chosen);
void add_config_check(CLI::App& config, Chosen& chosen);
void add_config_reference(CLI::App& config, Chosen& chosen);
void add_plugin_list(CLI::App& plugin, Chosen& chosen);
void add_plugin_info(CLI::App& plugin, Chosen& chosen);
void add_plugin_new(CLI::App& plugin, Chosen& chosen);
void add_plugin_check(CLI::App& plugin, Chosen& chosen);

/// The options of every command that speaks to a coordinator.
void add_connection_options(CLI::App& command, Connection& connection);

}  // namespace opslab::cli
