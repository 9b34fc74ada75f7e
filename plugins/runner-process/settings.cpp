#include "settings.hpp"

#include <opslab/exec/child_environment.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace opslab::runner_process {
namespace {

using Json = nlohmann::json;

[[nodiscard]] Settings typed(const Json& config) {
    Settings settings;
    settings.command = config.at("command").get<std::vector<std::string>>();
    settings.environment = config.value("environment", settings.environment);
    settings.variables = config.value("variables", settings.variables);
    settings.work_root = config.value("work_root", std::string{});
    settings.problems_file = config.value("problems_file", std::string{});
    settings.memory_bytes = config.value("memory_mb", std::uint64_t{0}) << 20U;
    settings.open_files = config.value("open_files", settings.open_files);
    return settings;
}

// No such string can be an argument, a path or a variable.
[[nodiscard]] bool holds_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

[[nodiscard]] RunnerStatus check(const Settings& settings) {
    if (settings.command.empty() || settings.command.front().empty()) {
        return runner_fail(RunnerErrc::invalid, "command: expected at least the driver's name");
    }
    for (const std::string& word : settings.command) {
        if (holds_nul(word)) {
            return runner_fail(RunnerErrc::invalid, "command: holds a NUL character");
        }
    }
    if (holds_nul(settings.work_root)) {
        return runner_fail(RunnerErrc::invalid, "work_root: holds a NUL character");
    }
    if (!settings.problems_file.empty() &&
        (holds_nul(settings.problems_file) || !settings.problems_file.starts_with('/'))) {
        return runner_fail(RunnerErrc::invalid, "problems_file: expected an absolute path");
    }
    return exec::check_variables(settings.environment, settings.variables);
}

}  // namespace

RunnerResult<Settings> read_settings(const std::string& config_json, const std::string& state_dir) {
    Settings settings;
    try {
        settings = typed(Json::parse(config_json));
    } catch (const Json::exception&) {  // its text could quote a secret
        return runner_fail(RunnerErrc::invalid, "the settings are not as the plugin's schema says");
    }
    if (auto checked = check(settings); !checked) {
        return tl::unexpected(checked.error());
    }
    if (settings.work_root.empty()) {
        if (state_dir.empty()) {
            return runner_fail(RunnerErrc::invalid, "work_root: not set, nor a state directory");
        }
        settings.work_root = state_dir + "/runs";
    }
    std::error_code failed;
    settings.work_root = std::filesystem::absolute(settings.work_root, failed).string();
    return settings;
}

}  // namespace opslab::runner_process
