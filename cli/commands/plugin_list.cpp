#include "commands/command.hpp"
#include "commands/plugin_folders.hpp"
#include "output/escape.hpp"
#include "output/table.hpp"
#include "plugin/catalogue.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <set>

namespace opslab::cli {
namespace {

void print_json(Terminal& terminal, const std::vector<plugin::Listed>& plugins) {
    auto list = nlohmann::json::array();
    for (const auto& found : plugins) {
        list.push_back(
            {{"kind", to_string(found.kind)},
             {"name", found.name},
             {"version", found.version},
             {"file", found.file.string()},
             {"refusal", found.refusal ? nlohmann::json(found.refusal->message) : nlohmann::json()}}
        );
    }
    const nlohmann::json report{{"plugins", list}};
    terminal.line(
        harmless_json(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
    );
}

/// A table for each folder, in the order in which they are searched.
void print_tables(
    Terminal& terminal,
    const std::vector<std::filesystem::path>& folders,
    const std::vector<plugin::Listed>& plugins
) {
    std::set<std::filesystem::path> shown;
    for (const auto& folder : folders) {
        if (!shown.insert(folder).second) {
            continue;  // configured, and beside the executable
        }
        std::vector<std::vector<std::string>> rows{{"KIND", "NAME", "VERSION"}};
        for (const auto& found : plugins) {
            if (found.file.parent_path() == folder) {
                rows.push_back(
                    {to_string(found.kind),
                     printable(found.name),
                     found.refusal ? "refused, see below" : printable(found.version)}
                );
            }
        }
        if (rows.size() == 1) {
            continue;
        }
        terminal.line("Plugins in " + printable(folder.string()));
        for (const auto& line : table_lines(rows)) {
            terminal.line("  " + line);
        }
    }
    if (plugins.empty()) {
        terminal.line("No plugins in any of");
        for (const auto& folder : folders) {
            terminal.line("  " + printable(folder.string()));
        }
    } else {
        terminal.line("The settings of one: opslab plugin info NAME");
    }
    for (const auto& found : plugins) {
        if (found.refusal) {
            terminal.complain("opslab: " + printable(found.refusal->message));
        }
    }
}

ExitCode list(const PluginPlaces& places) {
    const auto folders = configured_folders(places);
    if (!folders) {
        return folders.error();
    }
    const plugin::Catalogue catalogue{plugin::plugin_folders(*folders)};
    auto terminal = Terminal::detect();
    const auto plugins = catalogue.list();
    if (places.json) {
        print_json(terminal, plugins);
    } else {
        print_tables(terminal, catalogue.folders(), plugins);
    }
    const bool refused = std::any_of(plugins.begin(), plugins.end(), [](const auto& found) {
        return found.refusal.has_value();
    });
    return refused ? ExitCode::refused : ExitCode::ok;
}

}  // namespace

void add_plugin_list(CLI::App& plugin, Chosen& chosen) {
    const auto places = std::make_shared<PluginPlaces>();
    auto* command = plugin.add_subcommand("list", "List the plugins that would be found");
    add_plugin_options(*command, *places);
    command->footer(
        "A runner runs tasks somewhere; a storage keeps them. Folders come in the order in which "
        "they\n"
        "are searched; where two hold a plugin of one name, the first counts. Each library is "
        "opened\n"
        "and its descriptor checked; nothing is created. Where one is refused the exit code is 1.\n"
        "\n"
        "Examples:\n"
        "  opslab plugin list\n"
        "  opslab plugin list --path ./build/lib/opslab/plugins --json"
    );
    command->callback([places, &chosen] { chosen.run = [places] { return list(*places); }; });
}

}  // namespace opslab::cli
