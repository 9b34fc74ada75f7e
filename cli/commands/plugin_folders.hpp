#pragma once

#include "session.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace opslab::cli {

/// Where the plugin commands look: `--path` folders, or those of a configuration file, and then
/// those beside the executable.
struct PluginPlaces {
    std::string config_file{};
    std::vector<std::string> folders{};
    bool json = false;
};

void add_plugin_options(CLI::App& command, PluginPlaces& places);

/// The folders to be searched before those beside the executable. A wrong configuration file is
/// explained and is `ExitCode::usage`.
[[nodiscard]] Outcome<std::vector<std::string>> configured_folders(const PluginPlaces& places);

}  // namespace opslab::cli
