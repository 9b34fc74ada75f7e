#include "commands/command.hpp"

#include <CLI/CLI.hpp>

namespace opslab::cli {

void add_connection_options(CLI::App& command, Connection& connection) {
    command.add_option("--coordinator", connection.coordinator, "Where the coordinator answers")
        ->envname("OPSLAB_COORDINATOR")
        ->type_name("URL")
        ->capture_default_str()
        ->group("Connection");
    command.add_option("--token-file", connection.token_file, "A file with the access token")
        ->envname("OPSLAB_TOKEN_FILE")
        ->type_name("FILE")
        ->group("Connection");
    command
        .add_option("--timeout-seconds", connection.timeout_seconds, "How long one answer may take")
        ->check(CLI::Range(1, 3600))
        ->type_name("N")
        ->capture_default_str()
        ->group("Connection");
    command.add_flag(
        "--json", connection.json, "Write the API's JSON, or JSON lines, and nothing else"
    );
}

}  // namespace opslab::cli
