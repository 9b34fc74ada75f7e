#include "completion.hpp"

#include "commands/command.hpp"
#include "help_txt.hpp"
#include "man_page.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

namespace opslab::cli {
namespace {

ExitCode print_completion(const CLI::App& root, const std::string& shell) {
    const auto tree = command_tree(root);
    const auto script = shell == "bash"  ? bash_completion(tree)
                        : shell == "zsh" ? zsh_completion(tree)
                                         : fish_completion(tree);
    std::fwrite(script.data(), 1, script.size(), stdout);
    return ExitCode::ok;
}

/// The simulated driver's help: a line of what it does, then the rest.
CommandEntry driver_entry() {
    const std::string help{driver::k_help_txt};
    const auto first = help.find('\n');
    CommandEntry entry;
    entry.path = "opslab-driver-simulated";
    entry.text = help.substr(0, first);
    entry.footer = help.substr(first + 1);
    return entry;
}

ExitCode write_manual(const CLI::App& root, const std::string& folder) {
    auto terminal = Terminal::detect();
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    auto pages = man_pages(command_tree(root), OPSLAB_VERSION);
    for (auto& page : man_pages(driver_entry(), OPSLAB_VERSION)) {
        pages.push_back(std::move(page));
    }
    for (const auto& page : pages) {
        const auto file = std::filesystem::path(folder) / page.file;
        std::ofstream stream(file, std::ios::binary | std::ios::trunc);
        stream << page.text;
        if (!stream.flush()) {
            terminal.complain("opslab: cannot write " + file.string());
            return ExitCode::refused;
        }
    }
    return ExitCode::ok;
}

}  // namespace

void add_completion(CLI::App& root, Chosen& chosen) {
    const auto shell = std::make_shared<std::string>();
    auto* command = root.add_subcommand("completion", "Print a completion script for a shell");
    command->add_option("SHELL", *shell, "The shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->footer(
        "An installed opslab has them in place already.\n"
        "\n"
        "Examples:\n"
        "  eval \"$(opslab completion bash)\"\n"
        "  opslab completion zsh > ~/.zfunc/_opslab\n"
        "  opslab completion fish > ~/.config/fish/completions/opslab.fish"
    );
    command->callback([shell, &root, &chosen] {
        chosen.run = [shell, &root] { return print_completion(root, *shell); };
    });
}

void add_manual(CLI::App& root, Chosen& chosen) {
    const auto folder = std::make_shared<std::string>();
    auto* command = root.add_subcommand("manual", "Write the manual pages into a folder");
    command->add_option("FOLDER", *folder, "Where to, made if it is not there")->required();
    command->footer(
        "One page for each command and one for opslab-driver-simulated, from the same texts as\n"
        "--help.\n"
        "\n"
        "Example:\n"
        "  opslab manual ~/.local/share/man/man1"
    );
    command->callback([folder, &root, &chosen] {
        chosen.run = [folder, &root] { return write_manual(root, *folder); };
    });
}

}  // namespace opslab::cli
