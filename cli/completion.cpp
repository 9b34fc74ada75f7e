#include "completion.hpp"

#include <fmt/format.h>

#include <functional>

namespace opslab::cli {
namespace {

/// In single quotes, as bash and zsh take them.
std::string shell_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char letter : text) {
        quoted += letter == '\'' ? std::string{"'\\''"} : std::string(1, letter);
    }
    return quoted + "'";
}

/// As fish takes them.
std::string fish_quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char letter : text) {
        quoted += letter == '\'' || letter == '\\' ? "\\" : "";
        quoted += letter;
    }
    return quoted + "'";
}

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
    std::string text;
    for (const auto& word : words) {
        text += (text.empty() ? "" : between) + word;
    }
    return text;
}

using Visit = std::function<void(const CommandEntry&)>;

void each_command(const CommandEntry& command, const Visit& visit) {
    visit(command);
    for (const auto& inner : command.commands) {
        each_command(inner, visit);
    }
}

/// `'opslab task' | 'opslab task list'`: what is below the root.
std::string paths_below(const CommandEntry& root) {
    std::vector<std::string> paths;
    each_command(root, [&](const CommandEntry& command) {
        if (&command != &root) {
            paths.push_back(shell_quoted(command.path));
        }
    });
    return joined(paths, " | ");
}

/// Options that take a value, as patterns of `path option`, one `case` arm for each that `arm` is
/// not empty for.
std::string value_arms(
    const CommandEntry& root, const std::function<std::string(const OptionEntry&)>& arm
) {
    std::string text;
    each_command(root, [&](const CommandEntry& command) {
        for (const auto& option : command.options) {
            if (option.value.empty()) {
                continue;
            }
            std::vector<std::string> patterns;
            for (const auto& name : option.names) {
                patterns.push_back(shell_quoted(command.path + " " + name));
            }
            text += fmt::format("        {}) {} ;;\n", joined(patterns, " | "), arm(option));
        }
    });
    return text;
}

std::string bash_words(const CommandEntry& command) {
    std::vector<std::string> words;
    for (const auto& inner : command.commands) {
        words.push_back(inner.name);
    }
    for (const auto& positional : command.positionals) {
        words.insert(words.end(), positional.choices.begin(), positional.choices.end());
    }
    for (const auto& option : command.options) {
        words.push_back(option.names.back());
    }
    return joined(words);
}

bool has_file(const CommandEntry& command) {
    for (const auto& positional : command.positionals) {
        if (takes_file(positional)) {
            return true;
        }
    }
    return false;
}

std::string bash_places(const CommandEntry& root) {
    std::string text;
    each_command(root, [&](const CommandEntry& command) {
        text += fmt::format(
            "        {}) words={}{} ;;\n",
            shell_quoted(command.path),
            shell_quoted(bash_words(command)),
            has_file(command) ? " files=yes" : ""
        );
    });
    return text;
}

std::string zsh_entry(const std::string& word, const std::string& text) {
    std::string safe;
    for (const char letter : word) {
        safe += letter == ':' ? "\\" : "";
        safe += letter;
    }
    return shell_quoted(safe + ":" + text);
}

std::string zsh_places(const CommandEntry& root) {
    std::string text;
    each_command(root, [&](const CommandEntry& command) {
        text += fmt::format("        {})\n", shell_quoted(command.path));
        for (const auto& inner : command.commands) {
            text += fmt::format("            verbs+=({})\n", zsh_entry(inner.name, inner.text));
        }
        for (const auto& positional : command.positionals) {
            for (const auto& choice : positional.choices) {
                text += fmt::format("            verbs+=({})\n", zsh_entry(choice, ""));
            }
        }
        for (const auto& option : command.options) {
            text += fmt::format(
                "            options+=({})\n", zsh_entry(option.names.back(), option.text)
            );
        }
        text += has_file(command) ? "            files=yes\n            ;;\n" : "            ;;\n";
    });
    return text;
}

constexpr const char* kBash =
    R"(# Completion of opslab in bash; written by `opslab completion bash`.
_opslab() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    local place=opslab words='' files='' index
    # bash takes --option=value apart
    [[ $current == '=' ]] && current=''
    [[ $previous == '=' ]] && previous=${{COMP_WORDS[COMP_CWORD - 2]}}
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$place ${{COMP_WORDS[index]}}" in
            {paths})
                place="$place ${{COMP_WORDS[index]}}"
                ;;
            {valued})
                ((index++))
                ;;
        esac
    done
    case "$place $previous" in
{values}    esac
    if [[ -z $words$files ]]; then
        case $place in
{places}        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if [[ -n $files && $current != -* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -f -- "$current")
    fi
}}
complete -F _opslab opslab
)";

constexpr const char* kZsh = R"(#compdef opslab
# Completion of opslab in zsh; written by `opslab completion zsh`.
_opslab() {{
    local place=opslab files='' index
    local -a verbs options
    for ((index = 2; index < CURRENT; index++)); do
        case "$place $words[index]" in
            ({paths})
                place="$place $words[index]"
                ;;
            ({valued})
                ((index++))
                ;;
        esac
    done
    case "$place $words[CURRENT-1]" in
{values}    esac
    case $place in
{places}    esac
    (( $#verbs )) && _describe 'command' verbs
    [[ $words[CURRENT] == -* || $#verbs == 0 && -z $files ]] && _describe 'option' options
    [[ -n $files ]] && _files
    return 0
}}
_opslab "$@"
)";

constexpr const char* kFish =
    R"(# Completion of opslab in fish; written by `opslab completion fish`.
function __opslab_at --description 'whether the command line stands at this command'
    set -l place opslab
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch "$place $word"
            case {paths}
                set place "$place $word"
            case {valued}
                set skip yes
        end
    end
    test "$place" = "$argv"
end
complete -c opslab -f
)";

/// All options with a value, as `'path --name'` patterns.
std::vector<std::string> valued_options(
    const CommandEntry& root, std::string (*quote)(const std::string&)
) {
    std::vector<std::string> patterns;
    each_command(root, [&](const CommandEntry& command) {
        for (const auto& option : command.options) {
            for (const auto& name : option.names) {
                if (!option.value.empty()) {
                    patterns.push_back(quote(command.path + " " + name));
                }
            }
        }
    });
    return patterns;
}

std::string fish_option(const std::string& at, const OptionEntry& option) {
    std::string line = "complete -c opslab -n " + at;
    for (const auto& name : option.names) {
        line += name.rfind("--", 0) == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (!option.value.empty()) {
        line += takes_file(option) ? " -rF" : " -x";
    }
    if (!option.choices.empty()) {
        line += " -a " + fish_quoted(joined(option.choices));
    }
    return line + " -d " + fish_quoted(option.text) + "\n";
}

std::string fish_place(const CommandEntry& command) {
    const auto at = fish_quoted("__opslab_at " + command.path);
    std::string text;
    for (const auto& inner : command.commands) {
        text += fmt::format(
            "complete -c opslab -n {} -a {} -d {}\n", at, inner.name, fish_quoted(inner.text)
        );
    }
    for (const auto& positional : command.positionals) {
        if (!positional.choices.empty()) {
            text += fmt::format(
                "complete -c opslab -n {} -a {}\n", at, fish_quoted(joined(positional.choices))
            );
        }
    }
    if (has_file(command)) {
        text += fmt::format("complete -c opslab -n {} -F\n", at);
    }
    for (const auto& option : command.options) {
        text += fish_option(at, option);
    }
    return text;
}

}  // namespace

std::string bash_completion(const CommandEntry& root) {
    const auto values = value_arms(root, [](const OptionEntry& option) -> std::string {
        if (!option.choices.empty()) {
            return "words=" + shell_quoted(joined(option.choices));
        }
        return takes_file(option) ? "files=yes" : "return";
    });
    return fmt::format(
        kBash,
        fmt::arg("paths", paths_below(root)),
        fmt::arg("valued", joined(valued_options(root, shell_quoted), " | ")),
        fmt::arg("values", values),
        fmt::arg("places", bash_places(root))
    );
}

std::string zsh_completion(const CommandEntry& root) {
    auto values = value_arms(root, [](const OptionEntry& option) -> std::string {
        if (!option.choices.empty()) {
            return "compadd -- " + joined(option.choices) + "; return";
        }
        return takes_file(option) ? "_files; return" : "_message 'a value'; return";
    });
    return fmt::format(
        kZsh,
        fmt::arg("paths", paths_below(root)),
        fmt::arg("valued", joined(valued_options(root, shell_quoted), " | ")),
        fmt::arg("values", values),
        fmt::arg("places", zsh_places(root))
    );
}

std::string fish_completion(const CommandEntry& root) {
    std::vector<std::string> paths;
    std::string places;
    each_command(root, [&](const CommandEntry& command) {
        if (&command != &root) {
            paths.push_back(fish_quoted(command.path));
        }
        places += fish_place(command);
    });
    return fmt::format(
               kFish,
               fmt::arg("paths", joined(paths)),
               fmt::arg("valued", joined(valued_options(root, fish_quoted)))
           ) +
           places;
}

}  // namespace opslab::cli
