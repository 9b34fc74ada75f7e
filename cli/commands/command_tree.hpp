#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

/// The command line as data, read from what the parser was told: completions and manual pages are
/// written from it, so that they say what the program does.
namespace opslab::cli {

struct OptionEntry {
    std::vector<std::string> names{};    ///< `-h`, `--help`; of a positional: `FILE`
    std::string value{};                 ///< `FILE`, `N`; empty: it takes none
    std::vector<std::string> choices{};  ///< the only values that are allowed; empty: any
    std::string range{};                 ///< `1 to 100`; empty: any
    std::string fallback{};              ///< the default; empty: none is shown
    std::string environment{};           ///< the variable that gives it too; empty: none
    std::string text{};
    bool required = false;
};

struct CommandEntry {
    std::string name{};  ///< `submit`
    std::string path{};  ///< `opslab task submit`
    std::string text{};
    std::string footer{};  ///< explanations, then `Examples:`
    std::vector<OptionEntry> options{};
    std::vector<OptionEntry> positionals{};
    std::vector<CommandEntry> commands{};
    bool needs_verb = false;  ///< cannot be called without one of `commands`
};

/// Everything under `root`, in the order of its help.
[[nodiscard]] CommandEntry command_tree(const CLI::App& root);

/// Whether a value of that kind names a file or folder.
[[nodiscard]] bool takes_file(const OptionEntry& option);

}  // namespace opslab::cli
