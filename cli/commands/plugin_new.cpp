#include "commands/command.hpp"
#include "output/escape.hpp"
#include "plugin/catalogue.hpp"
#include "project_template.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string>

namespace opslab::cli {
namespace {

struct PluginNewOptions {
    std::string name{};
    std::string folder{};
};

bool is_taken(const std::string& name) {
    const plugin::Catalogue catalogue{plugin::plugin_folders({})};
    const auto names = catalogue.names(plugin::Kind::runner);
    return std::find(names.begin(), names.end(), name) != names.end();
}

ExitCode make_project(const PluginNewOptions& options) {
    if (const auto checked = check_runner_name(options.name); !checked) {
        return complain_usage(checked.error().message);
    }
    if (is_taken(options.name)) {
        return complain_usage("opslab has a runner \"" + options.name + "\" already");
    }
    const std::string folder = options.folder.empty() ? "runner-" + options.name : options.folder;
    auto terminal = Terminal::detect();
    const auto files = runner_project(options.name);
    if (const auto written = write_project(folder, files); !written) {
        terminal.complain("opslab: " + printable(written.error().message));
        return ExitCode::refused;
    }
    for (const ProjectFile& file : files) {
        terminal.line(printable(folder + "/" + file.path));
    }
    terminal.line("");
    terminal.line("next:");
    terminal.line("  cd " + printable(folder) + " && cmake -B build && cmake --build build");
    terminal.line("  opslab plugin check ./build/runner-" + options.name + ".so");
    return ExitCode::ok;
}

}  // namespace

void add_plugin_new(CLI::App& plugin, Chosen& chosen) {
    const auto options = std::make_shared<PluginNewOptions>();
    auto* command =
        plugin.add_subcommand("new", "Write the project of a runner plugin of your own");
    command->add_option("NAME", options->name, "The runner's name, as configurations will say it")
        ->required();
    command
        ->add_option("--directory", options->folder, "Where to write it (default: ./runner-NAME)")
        ->type_name("DIR");
    command->footer(
        "The project is whole: it builds against the installed SDK (package opslab-sdk-dev), "
        "passes\n"
        "`opslab plugin check` and runs tasks. Its README says what to change. A folder that is\n"
        "there and not empty is left as it is.\n"
        "\n"
        "Examples:\n"
        "  opslab plugin new sandbox\n"
        "  opslab plugin new my-cluster --directory ~/src/my-cluster"
    );
    command->callback([options, &chosen] {
        chosen.run = [options] { return make_project(*options); };
    });
}

}  // namespace opslab::cli
