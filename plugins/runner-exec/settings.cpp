#include "settings.hpp"

#include <opslab/exec/child_environment.hpp>

#include <nlohmann/json.hpp>

namespace opslab::runner_exec {
namespace {

using Json = nlohmann::json;

[[nodiscard]] Settings typed(const Json& config) {
    Settings settings;
    settings.prepare = config.value("prepare", settings.prepare);
    settings.run = config.at("run").get<std::vector<std::string>>();
    settings.stop = config.value("stop", settings.stop);
    settings.cleanup = config.value("cleanup", settings.cleanup);
    settings.call_timeout = std::chrono::seconds{config.value("call_timeout_seconds", 120)};
    settings.environment = config.value("environment", settings.environment);
    settings.variables = config.value("variables", settings.variables);
    settings.memory_bytes = config.value("memory_mb", std::uint64_t{0}) << 20U;
    settings.open_files = config.value("open_files", settings.open_files);
    return settings;
}

[[nodiscard]] bool holds_nul(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
        if (word.find('\0') != std::string::npos) {
            return true;
        }
    }
    return false;
}

[[nodiscard]] RunnerStatus check_commands(const Settings& settings) {
    const std::pair<const char*, const std::vector<std::string>&> commands[] = {
        {"prepare", settings.prepare},
        {"run", settings.run},
        {"stop", settings.stop},
        {"cleanup", settings.cleanup}};
    for (const auto& [name, words] : commands) {
        if (holds_nul(words)) {
            return runner_fail(RunnerErrc::invalid, std::string{name} + ": holds a NUL character");
        }
    }
    return {};
}

}  // namespace

RunnerResult<Settings> read_settings(const std::string& config_json) {
    Settings settings;
    try {
        settings = typed(Json::parse(config_json));
    } catch (const Json::exception&) {  // its text could quote a secret
        return runner_fail(RunnerErrc::invalid, "the settings are not as the plugin's schema says");
    }
    auto checked = check_commands(settings);
    if (checked) {
        checked = exec::check_variables(settings.environment, settings.variables);
    }
    if (!checked) {
        return tl::unexpected(checked.error());
    }
    return settings;
}

}  // namespace opslab::runner_exec
