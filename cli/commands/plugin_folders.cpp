#include "commands/plugin_folders.hpp"

#include "config/settings.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <system_error>

namespace opslab::cli {

void add_plugin_options(CLI::App& command, PluginPlaces& places) {
    command.add_option("--config", places.config_file, "Look where this configuration says")
        ->type_name("FILE");
    command.add_option("--path", places.folders, "Look in this folder first (may be repeated)")
        ->type_name("FOLDER");
    command.add_flag("--json", places.json, "Write JSON and nothing else");
}

Outcome<std::vector<std::string>> configured_folders(const PluginPlaces& places) {
    std::vector<std::string> folders;
    for (const auto& folder : places.folders) {
        // the loader takes no relative names; here the user's own shell says what they mean
        const auto absolute = std::filesystem::absolute(folder);
        std::error_code none;
        if (!std::filesystem::is_directory(absolute, none)) {
            return tl::unexpected(complain_usage("--path " + folder + ": there is no such folder"));
        }
        folders.push_back(absolute.string());
    }
    const auto file = places.config_file.empty()
                          ? std::optional<std::filesystem::path>{}
                          : std::optional<std::filesystem::path>{places.config_file};
    const auto settings = config::load_settings(file, config::process_environment());
    if (!settings) {
        return tl::unexpected(complain_usage(
            "the configuration is wrong (see opslab config check):\n" +
            config::to_text(settings.error())
        ));
    }
    folders.insert(folders.end(), settings->plugin_path.begin(), settings->plugin_path.end());
    return folders;
}

}  // namespace opslab::cli
