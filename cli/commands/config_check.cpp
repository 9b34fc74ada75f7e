#include "commands/command.hpp"
#include "config/settings.hpp"
#include "output/escape.hpp"
#include "plugin/plugin_config.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace opslab::cli {
namespace {

struct ConfigCheckOptions {
    std::string file{};
    bool json = false;
};

nlohmann::json findings_json(const config::Findings& findings) {
    auto list = nlohmann::json::array();
    for (const auto& finding : findings) {
        list.push_back(
            {{"file", finding.file},
             {"line", finding.mark.line},
             {"column", finding.mark.column},
             {"key", finding.key},
             {"message", finding.problem}}
        );
    }
    return list;
}

ExitCode check(const ConfigCheckOptions& options) {
    auto terminal = Terminal::detect();
    const auto checked = plugin::check_config(options.file, config::process_environment());
    const auto findings = checked ? config::Findings{} : checked.error();
    if (options.json) {
        const nlohmann::json report{
            {"file", options.file},
            {"ok", findings.empty()},
            {"findings", findings_json(findings)}};
        terminal.line(
            harmless_json(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
        );
    } else {
        for (const auto& finding : findings) {
            terminal.complain(printable(finding.text()));
        }
        if (findings.empty()) {
            terminal.line(fmt::format("{}: ok", printable(options.file)));
        }
    }
    return findings.empty() ? ExitCode::ok : ExitCode::usage;
}

}  // namespace

void add_config_check(CLI::App& config, Chosen& chosen) {
    const auto options = std::make_shared<ConfigCheckOptions>();
    auto* command = config.add_subcommand("check", "Check a configuration file without starting");
    command->add_option("FILE", options->file, "The configuration file")->required();
    command->add_flag("--json", options->json, "Write the findings as one JSON object");
    command->footer(
        "All mistakes are listed at once, as FILE:LINE:COLUMN: KEY: what is wrong. The settings "
        "of\n"
        "the plugins that the file names are checked too. Exit code 0 if all is well, 2 if not.\n"
        "\n"
        "Example:\n"
        "  opslab config check opslab.yaml"
    );
    command->callback([options, &chosen] { chosen.run = [options] { return check(*options); }; });
}

}  // namespace opslab::cli
