#include "plugin/plugin_config.hpp"

#include "config/node_json.hpp"

#include <algorithm>
#include <utility>

namespace opslab::plugin {

namespace {

config::Finding finding_of(const config::Fault& fault, const std::string& file) {
    return {file, fault.mark, fault.path.dotted(), fault.problem};
}

/// A file that is no YAML at all has defaults in place of what it says: no more to be found there.
bool is_readable(const config::Findings& findings) {
    return std::none_of(findings.begin(), findings.end(), [](const config::Finding& finding) {
        return finding.key.empty() && finding.problem.rfind("unknown key", 0) != 0;
    });
}

void add_plugin_findings(
    const Catalogue& catalogue,
    Kind kind,
    const config::PluginBlock& block,
    config::Findings& findings
) {
    if (const auto ready = prepare_plugin(catalogue, kind, block); !ready) {
        findings.insert(findings.end(), ready.error().begin(), ready.error().end());
    }
}

}  // namespace

tl::expected<std::string, config::Findings> finished_config(
    const Description& plugin, const config::PluginBlock& block
) {
    const auto checked = config::check(plugin.schema, block.block, block.block_path);
    if (checked.faults.empty()) {
        return config::node_to_json(checked.value);
    }
    config::Findings findings;
    for (const config::Fault& fault : checked.faults) {
        findings.push_back(finding_of(fault, block.file));
    }
    config::sort_findings(findings);
    return tl::unexpected(std::move(findings));
}

Result<std::string> finished_config(const Description& plugin, std::string_view config_json) {
    const std::string subject =
        std::string{to_string(plugin.kind)} + " \"" + plugin.name + "\": its settings are wrong";
    const auto node = config::node_from_json(config_json);
    if (!node) {
        return fail(within(subject, node.error()));
    }
    const auto checked = config::check(plugin.schema, *node);
    if (checked.faults.empty()) {
        return config::node_to_json(checked.value);
    }
    Error error{.code = Errc::invalid_argument, .message = subject};
    for (const config::Fault& fault : checked.faults) {
        error.fields.push_back({fault.path.pointer(), fault.problem});
    }
    const config::Fault& first = checked.faults.front();
    const std::string place = first.path.dotted();
    error.message += ": " + (place.empty() ? "" : place + ": ") + first.problem;
    return fail(std::move(error));
}

tl::expected<ReadyPlugin, config::Findings> prepare_plugin(
    const Catalogue& catalogue, Kind kind, const config::PluginBlock& block
) {
    auto library = catalogue.open(kind, block.plugin);
    if (!library) {
        return tl::unexpected(config::Findings{
            {block.file, block.plugin_mark, block.plugin_path.dotted(), library.error().message}});
    }
    auto config_json = finished_config(library->description(), block);
    if (!config_json) {
        return tl::unexpected(std::move(config_json.error()));
    }
    return ReadyPlugin{std::move(*library), std::move(*config_json)};
}

tl::expected<config::Settings, config::Findings> check_config(
    const std::optional<std::filesystem::path>& file, const config::Environment& environment
) {
    config::Examined examined = config::examine_settings(file, environment);
    const Catalogue catalogue{plugin_folders(examined.settings.plugin_path)};
    const bool readable = is_readable(examined.findings);
    if (readable) {
        add_plugin_findings(catalogue, Kind::storage, examined.settings.storage, examined.findings);
    }
    for (const config::RunnerSettings& runner : examined.settings.runners) {
        // a runner without a plugin's name has its finding already
        if (readable && !runner.plugin.plugin.empty()) {
            add_plugin_findings(catalogue, Kind::runner, runner.plugin, examined.findings);
        }
    }
    if (examined.findings.empty()) {
        return std::move(examined.settings);
    }
    config::sort_findings(examined.findings);
    return tl::unexpected(std::move(examined.findings));
}

}  // namespace opslab::plugin
