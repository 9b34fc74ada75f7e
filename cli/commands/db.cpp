#include "commands/db.hpp"

#include "daemon/database_schema.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace opslab::cli {
namespace {

void add_verb(
    CLI::App& db,
    Chosen& chosen,
    const char* verb,
    const char* description,
    const char* footer,
    bool migrate
) {
    const auto file = std::make_shared<std::string>();
    auto* command = db.add_subcommand(verb, description);
    command->add_option("--config", *file, "The configuration (default: SQLite, ./opslab.db)")
        ->type_name("FILE");
    command->footer(footer);
    command->callback([file, migrate, &chosen] {
        chosen.run = [file, migrate] {
            daemon::SchemaOptions options{.migrate = migrate};
            if (!file->empty()) {
                options.config_file = *file;
            }
            return static_cast<ExitCode>(daemon::look_after_schema(options));
        };
    });
}

}  // namespace

void add_db(CLI::App& db, Chosen& chosen) {
    add_verb(
        db,
        chosen,
        "migrate",
        "Bring the database's schema up to date",
        "A coordinator does this itself when it starts, unless the storage's setting "
        "\"migrations\"\n"
        "is \"never\". Safe while others do the same.\n"
        "\n"
        "Example:\n"
        "  opslab db migrate --config opslab.yaml",
        true
    );
    add_verb(
        db,
        chosen,
        "status",
        "Say whether the database's schema is up to date",
        "Changes nothing. Exit code 0: up to date; 1: not, or made by a newer opslab; 6: the\n"
        "database cannot be reached.\n"
        "\n"
        "Example:\n"
        "  opslab db status --config opslab.yaml",
        false
    );
}

}  // namespace opslab::cli
