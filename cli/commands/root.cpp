#include "commands/root.hpp"

#include "commands/db.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

namespace opslab::cli {
namespace {

CLI::App& add_noun(CLI::App& root, const char* name, const char* description) {
    auto* noun = root.add_subcommand(name, description);
    noun->require_subcommand(1);
    noun->footer(std::string{"More: opslab "} + name + " VERB --help");
    return *noun;
}

}  // namespace

std::shared_ptr<CLI::App> make_root(Chosen& chosen) {
    auto root = std::make_shared<CLI::App>(
        "opslab: runs AIOpsLab problems as durable tasks, and keeps their trajectories", "opslab"
    );
    root->set_version_flag("--version", "opslab " OPSLAB_VERSION);
    root->require_subcommand(1);
    root->footer(
        std::string{"Examples:\n"
                    "  opslab serve --config opslab.yaml\n"
                    "  opslab task submit pod_failure-detection-1 --watch\n"
                    "  opslab task list --status running\n"
                    "\n"
                    "The coordinator is at --coordinator, or $OPSLAB_COORDINATOR, or "
                    "http://127.0.0.1:8000.\n"
                    "Every command explains itself: opslab task submit --help\n"
                    "\n"} +
        std::string{kExitCodeHelp}
    );
    add_serve(*root, chosen);
    auto& task = add_noun(*root, "task", "Submit tasks, look at them, follow and cancel them");
    add_task_submit(task, chosen);
    add_task_get(task, chosen);
    add_task_list(task, chosen);
    add_task_watch(task, chosen);
    add_task_cancel(task, chosen);
    add_task_logs(task, chosen);
    add_task_explain(task, chosen);
    add_task_trajectory(task, chosen);
    auto& trajectory = add_noun(*root, "trajectory", "Take finished attempts out, for training");
    add_trajectory_export(trajectory, chosen);
    auto& worker =
        add_noun(*root, "worker", "Run a worker here, or look at those of a coordinator");
    add_worker_run(worker, chosen);
    add_worker_list(worker, chosen);
    add_worker_get(worker, chosen);
    auto& problem = add_noun(*root, "problem", "Look at AIOpsLab's problems");
    add_problem_list(problem, chosen);
    add_queue(*root, chosen);
    auto& db = add_noun(*root, "db", "Look after the database of a coordinator");
    add_db(db, chosen);
    add_doctor(*root, chosen);
    auto& config =
        add_noun(*root, "config", "Check configuration files, and list what can stand in them");
    add_config_check(config, chosen);
    add_config_reference(config, chosen);
    auto& plugin = add_noun(*root, "plugin", "Look at plugins, begin and check your own");
    add_plugin_list(plugin, chosen);
    add_plugin_info(plugin, chosen);
    add_plugin_new(plugin, chosen);
    add_plugin_check(plugin, chosen);
    add_completion(*root, chosen);
    add_manual(*root, chosen);
    return root;
}

int run_command_line(int argc, const char* const* argv) {
    Chosen chosen;
    const auto root = make_root(chosen);
    try {
        root->parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
            return root->exit(error);  // help and version
        }
        // CLI11 names what is missing before what is too much, which hides a misspelt verb
        const auto strangers = root->remaining(true);
        const auto reason = strangers.empty() ? std::string{error.what()}
                                              : "\"" + strangers.front() + "\" means nothing here";
        return static_cast<int>(complain_usage(reason + "; opslab --help explains"));
    }
    auto code = chosen.run();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
        std::fputs("opslab: cannot write to standard output\n", stderr);
        code = code == ExitCode::ok ? ExitCode::refused : code;
    }
    return static_cast<int>(code);
}

}  // namespace opslab::cli
