#include "commands/command.hpp"
#include "commands/plugin_folders.hpp"
#include "config/settings.hpp"
#include "output/escape.hpp"
#include "plugin/catalogue.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace opslab::cli {
namespace {

/// Settings that belong together: a top-level key of the file, or a plugin.
struct Chapter {
    std::string title{};
    std::string text{};
    std::vector<config::SettingRow> rows{};
};

constexpr const char* kIntroduction =
    "# Configuration\n"
    "\n"
    "<!-- Written by `opslab config reference` from the schemas; do not edit. -->\n"
    "\n"
    "One YAML file: `opslab serve --config FILE`. Every setting has a default unless it is "
    "required, and no\n"
    "file at all is a working set-up. `${NAME}` and `${NAME:-default}` take from the environment. "
    "Relative\n"
    "paths count from where opslab was started. `opslab config check FILE` lists all mistakes "
    "without\n"
    "starting; complete files for three sizes are in [examples/config](../examples/config).\n";

/// The part of `server.listen` or `runners[].name` before the first dot or bracket.
std::string top_of(const std::string& key) {
    return key.substr(0, key.find_first_of(".["));
}

std::vector<Chapter> chapters_of_file() {
    std::vector<Chapter> chapters;
    for (auto& row : config::settings_reference()) {
        const auto title = top_of(row.key);
        if (chapters.empty() || chapters.back().title != title) {
            chapters.push_back({.title = title});
        }
        chapters.back().rows.push_back(std::move(row));
    }
    return chapters;
}

Chapter chapter_of_plugin(const plugin::Description& about) {
    const bool storage = about.kind == plugin::Kind::storage;
    const std::string prefix = storage ? "storage." + about.name + "." : "runners[].config.";
    Chapter chapter{
        .title = std::string{to_string(about.kind)} + " plugin " + about.name,
        .text = about.schema.description};
    for (auto& row : config::rows(about.schema)) {
        row.key = prefix + row.key;
        chapter.rows.push_back(std::move(row));
    }
    return chapter;
}

std::string cell(const std::string& text) {
    std::string safe;
    for (const char letter : printable(text)) {
        safe += letter == '|' ? std::string{"\\|"} : std::string(1, letter);
    }
    return safe;
}

void print_markdown(Terminal& terminal, const std::vector<Chapter>& chapters) {
    std::string text = kIntroduction;
    for (const auto& chapter : chapters) {
        text += "\n## " + cell(chapter.title) + "\n";
        if (!chapter.text.empty()) {
            text += cell(chapter.text) + "\n\n";
        }
        text +=
            "| setting | type | default | range | what it is |\n| --- | --- | --- | --- | --- |\n";
        for (const auto& row : chapter.rows) {
            text += fmt::format(
                "| `{}` | {} | {} | {} | {} |\n",
                cell(row.key),
                cell(row.type),
                row.fallback.empty() ? "" : "`" + cell(row.fallback) + "`",
                cell(row.range),
                cell(row.text)
            );
        }
    }
    text.pop_back();  // line() ends the last one
    terminal.line(text);
}

void print_reference_json(Terminal& terminal, const std::vector<Chapter>& chapters) {
    auto list = nlohmann::json::array();
    for (const auto& chapter : chapters) {
        for (const auto& row : chapter.rows) {
            list.push_back(
                {{"key", row.key},
                 {"chapter", chapter.title},
                 {"type", row.type},
                 {"default", nlohmann::json::parse(row.fallback, nullptr, false)},
                 {"required", row.fallback.empty()},
                 {"range", row.range},
                 {"text", row.text}}
            );
            if (list.back()["default"].is_discarded()) {
                list.back()["default"] = nullptr;
            }
        }
    }
    const nlohmann::json report{{"settings", std::move(list)}};
    terminal.line(
        harmless_json(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
    );
}

ExitCode print_reference(const PluginPlaces& places) {
    const auto folders = configured_folders(places);
    if (!folders) {
        return folders.error();
    }
    const plugin::Catalogue catalogue{plugin::plugin_folders(*folders)};
    auto terminal = Terminal::detect();
    auto chapters = chapters_of_file();
    for (const auto kind : {plugin::Kind::storage, plugin::Kind::runner}) {
        for (const auto& name : catalogue.names(kind)) {
            const auto library = catalogue.open(kind, name);
            if (!library) {
                terminal.complain("opslab: " + printable(library.error().message));
                return ExitCode::refused;
            }
            chapters.push_back(chapter_of_plugin(library->description()));
        }
    }
    if (places.json) {
        print_reference_json(terminal, chapters);
    } else {
        print_markdown(terminal, chapters);
    }
    return ExitCode::ok;
}

}  // namespace

void add_config_reference(CLI::App& config, Chosen& chosen) {
    const auto places = std::make_shared<PluginPlaces>();
    auto* command = config.add_subcommand(
        "reference", "Print every setting, those of the plugins too, as a page of Markdown"
    );
    add_plugin_options(*command, *places);
    command->footer(
        "Made from the schemas that files are checked against; docs/configuration.md is this "
        "page.\n"
        "\n"
        "Examples:\n"
        "  opslab config reference | less\n"
        "  opslab config reference --json | jq '.settings[] | select(.required)'"
    );
    command->callback([places, &chosen] {
        chosen.run = [places] { return print_reference(*places); };
    });
}

}  // namespace opslab::cli
