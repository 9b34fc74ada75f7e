#include "commands/command.hpp"
#include "daemon/worker_process.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>

namespace opslab::cli {

namespace {

constexpr const char* kFooter =
    "Without a verb it runs a worker here, for a coordinator elsewhere, over its REST API alone.\n"
    "The runner and its settings come from --config, the same file that serve takes (of `workers`\n"
    "the entry of that runner, of `server` only drain_seconds); heartbeat.interval_seconds must\n"
    "suit the coordinator's timeout.\n"
    "\n"
    "It answers GET /health, /live, /ready and /metrics on a port of its own: --listen, or\n"
    "worker_server.listen of the file; by default any free one on loopback, which the log and the\n"
    "file `address` in the state directory tell. With --token-file it asks for that token too.\n"
    "\n"
    "While the coordinator is away runs go on, and what they said is delivered afterwards. "
    "SIGTERM\n"
    "and SIGINT: takes no more tasks, waits server.drain_seconds for its runs, then leaves them "
    "to\n"
    "the next worker of this id (containers go on, local processes end with it). A second signal\n"
    "ends it at once. Start it again with the same --id and state directory and it takes over\n"
    "where it left, also after a crash.\n"
    "\n"
    "Examples:\n"
    "  opslab worker --coordinator http://10.0.0.5:8000 --runner docker --id worker-001-docker "
    "--config opslab.yaml\n"
    "  opslab worker --coordinator https://opslab.example --token-file token --runner process "
    "--id worker-007-process --config opslab.yaml\n"
    "  opslab worker list\n"
    "More: opslab worker VERB --help";

struct Given {
    daemon::WorkerOptions options{};
    std::string config{};
    int slots = 0;
};

/// `worker-007-docker` says its runner: every id must end in it.
std::string runner_of(const std::string& id) {
    const std::size_t number = id.find('-');
    const std::size_t name = number == std::string::npos ? number : id.find('-', number + 1);
    return name == std::string::npos ? std::string{} : id.substr(name + 1);
}

ExitCode run(Given given) {
    if (given.options.runner.empty()) {
        given.options.runner = runner_of(given.options.id);
    }
    if (given.options.runner.empty() || given.options.id.empty()) {
        return complain_usage(
            "to run a worker --id worker-NNN-RUNNER is needed; opslab worker --help explains"
        );
    }
    if (!given.config.empty()) {
        given.options.config_file = given.config;
    }
    if (given.slots > 0) {
        given.options.max_parallel_tasks = given.slots;
    }
    return static_cast<ExitCode>(daemon::run_worker(given.options));
}

}  // namespace

void add_worker_run(CLI::App& worker, Chosen& chosen) {
    const auto given = std::make_shared<Given>();
    given->options.coordinator = Connection{}.coordinator;
    worker.require_subcommand(0, 1);
    worker
        .add_option(
            "--runner",
            given->options.runner,
            "The runner, by its name in the file (default: what the id ends in)"
        )
        ->type_name("NAME");
    worker.add_option("--id", given->options.id, "This worker: worker-NNN-NAME")->type_name("ID");
    worker.add_option("--config", given->config, "The configuration, with the runner in it")
        ->type_name("FILE");
    worker.add_option("--max-parallel-tasks", given->slots, "Slots (default: of `workers`, or 1)")
        ->check(CLI::Range(1, 1000))
        ->type_name("N");
    worker
        .add_option(
            "--state-dir",
            given->options.state_dir,
            "What it must know again (default: $XDG_STATE_HOME/opslab/ID or "
            "~/.local/state/opslab/ID)"
        )
        ->type_name("DIR");
    worker
        .add_option(
            "--listen",
            given->options.listen,
            "Its own /health and /metrics: address and port, or none (default: 127.0.0.1, any port)"
        )
        ->type_name("ADDRESS");
    worker.add_option("--coordinator", given->options.coordinator, "Where the coordinator answers")
        ->envname("OPSLAB_COORDINATOR")
        ->type_name("URL")
        ->capture_default_str()
        ->group("Connection");
    worker.add_option("--token-file", given->options.token_file, "A file with the access token")
        ->envname("OPSLAB_TOKEN_FILE")
        ->type_name("FILE")
        ->group("Connection");
    worker.footer(kFooter);
    worker.callback([given, &worker, &chosen] {
        if (worker.get_subcommands().empty()) {
            chosen.run = [given] { return run(*given); };
        }
    });
}

}  // namespace opslab::cli
