#include "man_page.hpp"

#include <fmt/format.h>

#include <sstream>

namespace opslab::cli {
namespace {

/// Text in which roff sees nothing of its own. `code`: hyphens stay what a shell takes.
std::string roff(const std::string& text, bool code = false) {
    std::string safe;
    bool begins_line = true;
    for (const char letter : text) {
        if (begins_line && (letter == '.' || letter == '\'')) {
            safe += "\\&";
        }
        begins_line = letter == '\n';
        if (letter == '\\') {
            safe += "\\e";
        } else if (letter == '-' && code) {
            safe += "\\-";
        } else if (letter == '\'' && code) {
            safe += "\\(aq";
        } else {
            safe += letter;
        }
    }
    return safe;
}

std::string dashed(std::string path) {
    for (char& letter : path) {
        letter = letter == ' ' ? '-' : letter;
    }
    return path;
}

std::string upper(std::string text) {
    for (char& letter : text) {
        letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return text;
}

std::string synopsis(const CommandEntry& command) {
    std::string line = "\\fB" + roff(command.path, true) + "\\fR";
    line += command.options.empty() ? "" : " [\\fIOPTIONS\\fR]";
    for (const auto& positional : command.positionals) {
        const auto name = "\\fI" + roff(positional.names.front(), true) + "\\fR";
        line += positional.required ? " " + name : " [" + name + "]";
    }
    if (!command.commands.empty()) {
        line += command.needs_verb ? " \\fICOMMAND\\fR" : " [\\fICOMMAND\\fR]";
    }
    return line;
}

/// One value's rules: range, default, variable.
std::string rules_of(const OptionEntry& option) {
    std::string text;
    if (!option.choices.empty()) {
        text += " One of";
        for (const auto& choice : option.choices) {
            text += (&choice == &option.choices.front() ? " " : ", ") + roff(choice, true);
        }
        text += ".";
    }
    text += option.range.empty() ? "" : " From " + option.range + ".";
    text += option.fallback.empty() ? "" : " Default: " + roff(option.fallback, true) + ".";
    text += option.environment.empty() ? "" : " Also from \\fB$" + option.environment + "\\fR.";
    return text;
}

std::string entry_text(const OptionEntry& option) {
    std::string head;
    for (const auto& name : option.names) {
        head += (head.empty() ? "\\fB" : ", \\fB") + roff(name, true) + "\\fR";
    }
    const bool named = option.names.front().front() == '-';
    if (!option.value.empty() && named) {
        head += " \\fI" + roff(option.value, true) + "\\fR";
    }
    auto text = roff(option.text);
    const bool ended = text.empty() || text.back() == '.' || text.back() == ')';
    const auto rules = rules_of(option);
    text += rules.empty() || ended ? "" : ".";
    return ".TP\n" + head + "\n" + text + rules + "\n";
}

/// The footer of a help text: blank lines part paragraphs, indented lines stay as they are, and
/// `Examples:` begins the last part.
struct Footer {
    std::string description{};
    std::string examples{};
    std::string exit_codes{};
};

Footer parts_of(const std::string& footer) {
    Footer parts;
    std::string* part = &parts.description;
    std::istringstream lines(footer);
    for (std::string line; std::getline(lines, line);) {
        if (line == "Examples:" || line == "Example:") {
            part = &parts.examples;
        } else if (line == "Exit codes:") {
            part = &parts.exit_codes;
        } else {
            if (part == &parts.examples && !line.empty() && line.front() != ' ') {
                part = &parts.description;  // prose after the examples
            }
            *part += line + "\n";
        }
    }
    return parts;
}

/// Filled paragraphs, and blocks of indented lines as they are.
std::string paragraphs(const std::string& text) {
    std::string out;
    bool as_is = false;
    bool gap = false;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty()) {
            gap = true;
            continue;
        }
        const bool indented = line.rfind("  ", 0) == 0;
        // the first paragraph of a section has its space already
        const char* paragraph = out.empty() ? "" : ".PP\n";
        if (indented != as_is) {
            out += indented ? std::string{paragraph} + ".nf\n" : ".fi\n";
            gap = !indented || gap;
        }
        if (gap && !indented) {
            out += paragraph;
        } else if (gap && as_is) {
            out += "\n";
        }
        gap = false;
        as_is = indented;
        out += roff(line, indented) + "\n";
    }
    return out + (as_is ? ".fi\n" : "");
}

void add_section(std::string& page, const char* name, const std::string& text) {
    if (!text.empty()) {
        page += ".SH " + std::string{name} + "\n" + text;
    }
}

std::string entries_text(const std::vector<OptionEntry>& entries) {
    std::string text;
    for (const auto& entry : entries) {
        text += entry_text(entry);
    }
    return text;
}

std::string commands_text(const CommandEntry& command) {
    std::string text;
    for (const auto& inner : command.commands) {
        text += fmt::format(
            ".TP\n\\fB{}\\fR\n{}; see \\fB{}\\fR(1)\n",
            roff(inner.path, true),
            roff(inner.text),
            roff(dashed(inner.path), true)
        );
    }
    return text;
}

ManPage page_of(
    const CommandEntry& command, const CommandEntry* above, const std::string& version
) {
    const auto name = dashed(command.path);
    const auto footer = parts_of(command.footer);
    std::string page = fmt::format(
        ".\\\" Written by `opslab manual` from the program's own help.\n"
        ".TH {} 1 \"\" \"opslab {}\" \"opslab\"\n.ad l\n.nh\n",
        roff(upper(name), true),
        version
    );
    add_section(page, "NAME", roff(name, true) + " \\- " + roff(command.text) + "\n");
    add_section(page, "SYNOPSIS", synopsis(command) + "\n");
    add_section(page, "DESCRIPTION", paragraphs(footer.description));
    add_section(page, "COMMANDS", commands_text(command));
    add_section(page, "ARGUMENTS", entries_text(command.positionals));
    add_section(page, "OPTIONS", entries_text(command.options));
    add_section(page, "EXIT STATUS", paragraphs(footer.exit_codes));
    add_section(page, "EXAMPLES", paragraphs(footer.examples));
    if (above != nullptr) {
        add_section(page, "SEE ALSO", "\\fB" + roff(dashed(above->path), true) + "\\fR(1)\n");
    }
    return {.file = name + ".1", .text = page};
}

void add_pages(
    const CommandEntry& command,
    const CommandEntry* above,
    const std::string& version,
    std::vector<ManPage>& pages
) {
    pages.push_back(page_of(command, above, version));
    for (const auto& inner : command.commands) {
        add_pages(inner, &command, version, pages);
    }
}

}  // namespace

std::vector<ManPage> man_pages(const CommandEntry& root, const std::string& version) {
    std::vector<ManPage> pages;
    add_pages(root, nullptr, version, pages);
    return pages;
}

}  // namespace opslab::cli
