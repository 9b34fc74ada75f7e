#pragma once

#include "config/settings.hpp"
#include "plugin/catalogue.hpp"
#include "plugin/library.hpp"

#include <opslab/error.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// A plugin's own settings against its schema: from a configuration file with line and column, or
/// from JSON text with pointers. Defaults are filled in; the plugin may assume good input.
namespace opslab::plugin {

/// The finished JSON text for the plugin.
[[nodiscard]] tl::expected<std::string, config::Findings> finished_config(
    const Description& plugin, const config::PluginBlock& block
);

/// The same from JSON text. Errors: `invalid_argument`, `fields` with JSON pointers.
[[nodiscard]] Result<std::string> finished_config(
    const Description& plugin, std::string_view config_json
);

/// A plugin that was found, accepted and whose settings are good.
struct ReadyPlugin {
    Library library;
    std::string config_json{};
};

/// Finds, opens and checks what `block` names. Findings are at the block's places in the file.
[[nodiscard]] tl::expected<ReadyPlugin, config::Findings> prepare_plugin(
    const Catalogue& catalogue, Kind kind, const config::PluginBlock& block
);

/// `opslab config check FILE`: the settings and the settings of every plugin they name. Plugins are
/// opened and their descriptors read, none is created. All findings, sorted; with no file the
/// defaults are checked.
[[nodiscard]] tl::expected<config::Settings, config::Findings> check_config(
    const std::optional<std::filesystem::path>& file, const config::Environment& environment
);

}  // namespace opslab::plugin
