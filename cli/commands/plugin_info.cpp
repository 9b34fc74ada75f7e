#include "commands/command.hpp"
#include "commands/plugin_folders.hpp"
#include "output/escape.hpp"
#include "plugin/catalogue.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>

namespace opslab::cli {
namespace {

struct PluginInfoOptions {
    PluginPlaces places{};
    std::string name{};
};

struct Wanted {
    plugin::Kind kind = plugin::Kind::runner;
    std::string name{};
};

/// `runner-docker` and `storage-sqlite` say the kind; a plain name is looked for in both.
std::vector<Wanted> candidates(const plugin::Catalogue& catalogue, const std::string& name) {
    constexpr std::array kKinds{plugin::Kind::runner, plugin::Kind::storage};
    std::vector<Wanted> wanted;
    for (const auto kind : kKinds) {
        const std::string prefix = std::string{to_string(kind)} + "-";
        const auto known = catalogue.names(kind);
        const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
        if (is_known) {
            wanted.push_back({kind, name});
        } else if (name.rfind(prefix, 0) == 0) {
            wanted.push_back({kind, name.substr(prefix.size())});
        }
    }
    if (wanted.empty()) {
        wanted.push_back({plugin::Kind::runner, name});
    }
    return wanted;
}

std::string info_json(const plugin::Description& about) {
    const nlohmann::json report{
        {"kind", to_string(about.kind)},
        {"name", about.name},
        {"version", about.version},
        {"file", about.file.string()},
        {"schema", nlohmann::json::parse(about.schema_text, nullptr, false)}};
    return harmless_json(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

constexpr std::size_t kColumns = 92;
constexpr std::string_view kIndent = "      ";

/// Words in lines that fit a terminal.
void print_wrapped(Terminal& terminal, const std::string& text) {
    std::istringstream words(text);
    std::string line{kIndent};
    for (std::string word; words >> word;) {
        if (line.size() > kIndent.size() && line.size() + 1 + word.size() > kColumns) {
            terminal.line(line);
            line = kIndent;
        }
        line += (line.size() > kIndent.size() ? " " : "") + word;
    }
    terminal.line(line);
}

void print_settings(Terminal& terminal, const plugin::Description& about) {
    const auto settings = config::rows(about.schema);
    terminal.line(settings.empty() ? "It has no settings." : "Settings:");
    for (const auto& row : settings) {
        auto line = fmt::format("  {} ({}", printable(row.key), printable(row.type));
        if (!row.range.empty()) {
            line += ", " + printable(row.range);
        }
        constexpr std::string_view kRequired = "Required. ";
        const bool is_required = row.text.rfind(kRequired, 0) == 0;
        line += is_required ? ", required" : "";
        line += row.fallback.empty() ? "" : ", default " + printable(row.fallback);
        terminal.line(line + ")");
        const auto text = is_required ? row.text.substr(kRequired.size()) : row.text;
        if (!text.empty()) {
            print_wrapped(terminal, printable(text));
        }
    }
}

/// Where in a configuration the settings stand, with the ones that have to be there.
void print_place(Terminal& terminal, const plugin::Description& about) {
    const auto name = printable(about.name);
    const bool is_runner = about.kind == plugin::Kind::runner;
    const auto& settings = about.schema.properties;
    const bool needs_any = std::any_of(settings.begin(), settings.end(), [](const auto& setting) {
        return setting.required;
    });
    const char* rest = needs_any ? "" : " {…}";
    terminal.line("In a configuration:");
    if (is_runner) {
        terminal.line("  runners:");
        terminal.line(fmt::format("    - name: {}", name));
        terminal.line(fmt::format("      plugin: {}", name));
        terminal.line(fmt::format("      config:{}", rest));
    } else {
        terminal.line("  storage:");
        terminal.line(fmt::format("    plugin: {}", name));
        terminal.line(fmt::format("    {}:{}", name, rest));
    }
    for (const auto& setting : settings) {
        if (setting.required) {
            terminal.line(
                fmt::format("{}{}: …", is_runner ? "        " : "      ", printable(setting.name))
            );
        }
    }
}

ExitCode show(const PluginInfoOptions& options) {
    const auto folders = configured_folders(options.places);
    if (!folders) {
        return folders.error();
    }
    const plugin::Catalogue catalogue{plugin::plugin_folders(*folders)};
    auto terminal = Terminal::detect();
    for (const auto& wanted : candidates(catalogue, options.name)) {
        const auto library = catalogue.open(wanted.kind, wanted.name);
        if (!library) {
            terminal.complain("opslab: " + printable(library.error().message));
            return ExitCode::refused;
        }
        const auto& about = library->description();
        if (options.places.json) {
            terminal.line(info_json(about));
            continue;
        }
        terminal.line(fmt::format(
            "{} plugin \"{}\" {}",
            to_string(about.kind),
            printable(about.name),
            printable(about.version)
        ));
        terminal.line("from " + printable(about.file.string()));
        print_settings(terminal, about);
        print_place(terminal, about);
    }
    return ExitCode::ok;
}

}  // namespace

void add_plugin_info(CLI::App& plugin, Chosen& chosen) {
    const auto options = std::make_shared<PluginInfoOptions>();
    auto* command = plugin.add_subcommand("info", "Show a plugin and its settings");
    command->add_option("NAME", options->name, "docker, or runner-docker, or storage-sqlite")
        ->required();
    add_plugin_options(*command, options->places);
    command->footer(
        "Examples:\n"
        "  opslab plugin info docker\n"
        "  opslab plugin info storage-sqlite --json | jq .schema.properties"
    );
    command->callback([options, &chosen] { chosen.run = [options] { return show(*options); }; });
}

}  // namespace opslab::cli
