#include "daemon/serve.hpp"

#include "commands/command.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <optional>

namespace opslab::cli {

void add_serve(CLI::App& root, Chosen& chosen) {
    const auto file = std::make_shared<std::string>();
    auto* command = root.add_subcommand("serve", "Run the coordinator");
    command->add_option("--config", *file, "The configuration (default: SQLite, 127.0.0.1:8000)")
        ->type_name("FILE");
    command->footer(
        "Without a file every setting has its default; there are then no runners and no workers,\n"
        "and tasks wait for workers that register over REST. SIGTERM and SIGINT stop it.\n"
        "\n"
        "Examples:\n"
        "  opslab serve\n"
        "  opslab config check opslab.yaml && opslab serve --config opslab.yaml"
    );
    command->callback([file, &chosen] {
        chosen.run = [file] {
            daemon::ServeOptions options;
            if (!file->empty()) {
                options.config_file = *file;
            }
            return static_cast<ExitCode>(daemon::serve(options));
        };
    });
}

}  // namespace opslab::cli
