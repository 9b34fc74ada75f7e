#include "commands/command_tree.hpp"

#include <CLI/CLI.hpp>

namespace opslab::cli {
namespace {

std::string between(const std::string& text, const std::string& open, char close) {
    const auto from = text.find(open);
    if (from == std::string::npos) {
        return {};
    }
    const auto begin = from + open.size();
    return text.substr(begin, text.find(close, begin) - begin);
}

std::vector<std::string> choices_in(const std::string& type) {
    std::vector<std::string> choices;
    const auto list = between(type, "{", '}');
    for (std::size_t from = 0; from < list.size();) {
        const auto to = std::min(list.find(',', from), list.size());
        choices.push_back(list.substr(from, to - from));
        from = to + 1;
    }
    return choices;
}

/// The parser has one text for kind, choices and range: `N:INT in [1 - 100]`, `TEXT:{idle,busy}`.
OptionEntry entry_of(const CLI::Option& option) {
    OptionEntry entry;
    for (const auto& name : option.get_snames()) {
        entry.names.push_back("-" + name);
    }
    for (const auto& name : option.get_lnames()) {
        entry.names.push_back("--" + name);
    }
    const bool positional = entry.names.empty();
    if (positional) {
        entry.names.push_back(option.get_name(true));
    }
    if (option.get_items_expected_max() > 0) {
        const auto type = option.get_type_name();
        entry.value = type.substr(0, type.find(':'));
        entry.choices = choices_in(type);
        entry.range = between(type, " in [", ']');
        if (const auto dash = entry.range.find(" - "); dash != std::string::npos) {
            entry.range.replace(dash, 3, " to ");
        }
    }
    entry.fallback = option.get_default_str();
    entry.environment = option.get_envname();
    entry.text = option.get_description();
    entry.required = option.get_required();
    return entry;
}

CommandEntry command_entry(const CLI::App& app, const std::string& above) {
    CommandEntry entry{
        .name = app.get_name(),
        .path = above.empty() ? app.get_name() : above + " " + app.get_name(),
        .text = app.get_description(),
        .footer = app.get_footer(),
        .needs_verb = app.get_require_subcommand_min() > 0};
    for (const auto* option : app.get_options()) {
        (option->nonpositional() ? entry.options : entry.positionals).push_back(entry_of(*option));
    }
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        entry.commands.push_back(command_entry(*command, entry.path));
    }
    return entry;
}

}  // namespace

CommandEntry command_tree(const CLI::App& root) {
    return command_entry(root, "");
}

bool takes_file(const OptionEntry& option) {
    const auto ends = [](const std::string& text, const std::string& end) {
        return text.size() >= end.size() &&
               text.compare(text.size() - end.size(), end.size(), end) == 0;
    };
    const auto& kind = option.value;
    return ends(kind, "FILE") || kind == "FOLDER" || kind == "DIR" || kind == "PROGRAM" ||
           (!option.names.empty() && option.names.front() == "FILE");
}

}  // namespace opslab::cli
