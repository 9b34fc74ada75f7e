#include "daemon/doctor.hpp"

#include "base/system_clock.hpp"
#include "daemon/coordinator.hpp"
#include "daemon/doctor_probes.hpp"
#include "plugin/guarded_storage.hpp"
#include "telemetry/service_log.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>

namespace opslab::daemon {

namespace {

using Checks = std::vector<Check>;

/// Whether an opslab answers where this one would listen; then its database is its own to judge.
bool check_port(Checks& checks, const config::ServerSettings& server) {
    const auto place = fmt::format("{}:{}", server.listen.host, server.listen.port);
    std::string why;
    if (can_listen(server.listen.host, server.listen.port, why)) {
        checks.push_back({.name = "port", .found = place + " is free"});
        return false;
    }
    const auto live = ask_socket(server.listen.host, server.listen.port, "/live");
    if (live && live->find("alive") != std::string::npos) {
        checks.push_back({.name = "port", .found = "a coordinator serves at " + place});
        return true;
    }
    checks.push_back(
        {.name = "port",
         .result = CheckResult::failed,
         .found = "cannot listen on " + place + ": " + why,
         .advice = "end what listens there (ss -ltnp), or choose another server.listen"}
    );
    return false;
}

Check storage_of_running(const config::ServerSettings& server) {
    if (ask_socket(server.listen.host, server.listen.port, "/ready")) {
        return {
            .name = "storage", .found = "the running coordinator reaches it, migrations are in"};
    }
    return {
        .name = "storage",
        .result = CheckResult::failed,
        .found = "the running coordinator is not ready: its storage does not answer",
        .advice = "see the database's own state and the coordinator's log"};
}

Check check_storage(const ReadyPlugins& plugins) {
    const auto& plugin = plugins.storage.library.description();
    auto config = nlohmann::json::parse(plugins.storage.config_json);
    const auto path = config.find("path");
    if (path != config.end() && path->is_string() &&
        !std::filesystem::exists(path->get<std::string>())) {
        return {
            .name = "storage",
            .found = "no database yet; the first start makes " + path->get<std::string>()};
    }
    if (config.contains("migrations")) {
        config["migrations"] = "never";
    }
    SystemClock clock;
    SystemEntropy entropy;
    const auto logger = make_service_log(ServiceLogFormat::human, LogLevel::critical, clock);
    const auto storage = plugin::open_storage(
        plugins.storage.library, StorageHost{clock, entropy, *logger}, config.dump(), nullptr
    );
    if (!storage) {
        return {
            .name = "storage",
            .result = CheckResult::failed,
            .found = plugin.name + ": " + storage.error().message,
            .advice =
                "is the database up, the address right, the schema current (opslab db "
                "status, opslab db migrate)?"};
    }
    const auto info = (*storage)->info();
    return {
        .name = "storage",
        .found = fmt::format(
            "{} {}: answers, schema version {}", info.name, info.location, info.schema_version
        )};
}

Check check_docker(const std::string& runner, const std::string& config_json) {
    const auto config = nlohmann::json::parse(config_json);
    std::string host = config.value("socket", std::string{});
    if (const char* named = std::getenv("DOCKER_HOST"); host.empty() && named != nullptr) {
        host = named;
    }
    constexpr std::string_view kUnix = "unix://";
    constexpr std::string_view kTcp = "tcp://";
    std::string address = host.empty() ? "/var/run/docker.sock" : host;
    std::uint16_t port = 0;
    if (address.starts_with(kUnix)) {
        address.erase(0, kUnix.size());
    } else if (address.starts_with(kTcp)) {
        address.erase(0, kTcp.size());
        const auto colon = address.rfind(':');
        if (colon != std::string::npos) {
            port =
                static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10));
            address.resize(colon);
        }
    }
    const auto answer = ask_socket(address, port, "/version");
    const auto version = nlohmann::json::parse(answer.value_or(""), nullptr, false);
    if (!version.is_object() || !version.value("Version", nlohmann::json{}).is_string()) {
        return {
            .name = "runner " + runner,
            .result = CheckResult::failed,
            .found = "no Docker engine answers at " + address,
            .advice =
                "start it (systemctl start docker), and let the service's user reach its "
                "socket (group docker)"};
    }
    return {
        .name = "runner " + runner,
        .found =
            "Docker engine " + version["Version"].get<std::string>() + " answers at " + address};
}

void check_program(Checks& checks, const std::vector<std::string>& command) {
    if (const auto line = first_line_of(command)) {
        checks.push_back({.name = command.front(), .found = *line});
        return;
    }
    checks.push_back(
        {.name = command.front(),
         .result = CheckResult::failed,
         .found = command.front() + " is not there, or does not run",
         .advice = "install it and have it in the service's PATH"}
    );
}

void check_runners(Checks& checks, const config::Settings& settings, const ReadyPlugins& plugins) {
    bool kind = false;
    for (const auto& runner : settings.runners) {
        const auto& ready = plugins.runners.at(runner.name);
        const auto& plugin = ready.library.description();
        if (plugin.name == "docker") {
            checks.push_back(check_docker(runner.name, ready.config_json));
        } else {
            checks.push_back(
                {.name = "runner " + runner.name,
                 .found = "plugin " + plugin.name + " " + plugin.version + " loads"}
            );
        }
        kind = kind || plugin.name == "kind";
    }
    if (kind) {
        check_program(checks, {"kind", "version"});
        check_program(checks, {"kubectl", "version", "--client"});
        checks.push_back(check_inotify());
    }
}

void add_findings(Checks& checks, const char* name, const config::Findings& findings) {
    for (const auto& finding : findings) {
        checks.push_back(
            {.name = name,
             .result = CheckResult::failed,
             .found = finding.text(),
             .advice = "opslab config check FILE lists all mistakes; opslab plugin list what is "
                       "installed"}
        );
    }
}

}  // namespace

std::vector<Check> examine_installation(const std::optional<std::string>& config_file) {
    Checks checks;
    std::optional<std::filesystem::path> file;
    if (config_file) {
        file = *config_file;
    }
    const auto settings = config::load_settings(file, config::process_environment());
    if (!settings) {
        add_findings(checks, "configuration", settings.error());
        checks.push_back(check_clock());
        return checks;
    }
    checks.push_back(
        {.name = "configuration",
         .found = settings->file.empty() ? "none: the defaults" : settings->file}
    );
    const bool serves = check_port(checks, settings->server);
    const auto plugins = find_plugins(*settings);
    if (plugins) {
        checks.push_back(serves ? storage_of_running(settings->server) : check_storage(*plugins));
        check_runners(checks, *settings, *plugins);
    } else {
        add_findings(checks, "plugins", plugins.error());
    }
    if (settings->runners.empty()) {
        checks.push_back(
            {.name = "runners",
             .result = CheckResult::warning,
             .found = "none are configured",
             .advice = "tasks wait for workers that register over REST; add runners and workers to "
                       "run them here"}
        );
    }
    checks.push_back(check_disk("disk", settings->state_path));
    constexpr std::uint64_t kOwnFiles = 256;
    checks.push_back(
        check_open_files(static_cast<std::uint64_t>(settings->server.max_connections) + kOwnFiles)
    );
    checks.push_back(check_clock());
    return checks;
}

}  // namespace opslab::daemon
