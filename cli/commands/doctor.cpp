#include "daemon/doctor.hpp"

#include "commands/command.hpp"
#include "output/escape.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace opslab::cli {
namespace {

struct DoctorOptions {
    std::string config_file{};
    bool json = false;
};

Colour colour_of(daemon::CheckResult result) {
    switch (result) {
        case daemon::CheckResult::ok:
            return Colour::green;
        case daemon::CheckResult::warning:
            return Colour::yellow;
        case daemon::CheckResult::failed:
            return Colour::red;
    }
    return Colour::none;
}

void show(const std::vector<daemon::Check>& checks, Terminal& terminal) {
    for (const auto& check : checks) {
        const std::string result = daemon::to_string(check.result);
        terminal.line(fmt::format(
            "{}{} {:<14} {}",
            terminal.paint(colour_of(check.result), result),
            std::string(std::max<std::size_t>(7, result.size()) - result.size(), ' '),
            printable(check.name),
            printable(check.found)
        ));
        if (!check.advice.empty()) {
            terminal.line(std::string(23, ' ') + printable(check.advice));
        }
    }
}

void show_json(const std::vector<daemon::Check>& checks, bool good, Terminal& terminal) {
    auto list = nlohmann::json::array();
    for (const auto& check : checks) {
        list.push_back(
            {{"name", check.name},
             {"result", daemon::to_string(check.result)},
             {"found", check.found},
             {"advice", check.advice}}
        );
    }
    const nlohmann::json report{{"ok", good}, {"checks", std::move(list)}};
    terminal.line(
        harmless_json(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
    );
}

ExitCode examine(const DoctorOptions& options) {
    auto terminal = Terminal::detect();
    const auto checks = daemon::examine_installation(
        options.config_file.empty() ? std::nullopt : std::optional(options.config_file)
    );
    const bool good = std::none_of(checks.begin(), checks.end(), [](const daemon::Check& check) {
        return check.result == daemon::CheckResult::failed;
    });
    if (options.json) {
        show_json(checks, good, terminal);
    } else {
        show(checks, terminal);
    }
    return good ? ExitCode::ok : ExitCode::refused;
}

}  // namespace

void add_doctor(CLI::App& root, Chosen& chosen) {
    const auto options = std::make_shared<DoctorOptions>();
    auto* command = root.add_subcommand(
        "doctor", "Look for what keeps this installation from working, with advice"
    );
    command
        ->add_option(
            "--config", options->config_file, "The configuration (default: SQLite, ./opslab.db)"
        )
        ->type_name("FILE");
    command->add_flag("--json", options->json, "Write the checks as one JSON object");
    command->footer(
        "Changes nothing. Exit code 0: nothing failed (there may be warnings); 1: something did.\n"
        "\n"
        "Examples:\n"
        "  opslab doctor --config /etc/opslab/opslab.yaml\n"
        "  opslab doctor --json | jq '.checks[] | select(.result != \"ok\")'"
    );
    command->callback([options, &chosen] { chosen.run = [options] { return examine(*options); }; });
}

}  // namespace opslab::cli
