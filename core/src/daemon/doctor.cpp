#include "daemon/doctor.hpp"

#include "base/system_clock.hpp"
#include "daemon/coordinator.hpp"
#include "daemon/doctor_files.hpp"
#include "daemon/doctor_probes.hpp"
#include "plugin/guarded_runner.hpp"
#include "plugin/guarded_storage.hpp"
#include "telemetry/service_log.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>

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

/// What the running coordinator says of itself, where it asks for no token.
void check_running(Checks& checks, const config::ServerSettings& server) {
    const auto answer = ask_socket(server.listen.host, server.listen.port, "/health");
    const auto health = nlohmann::json::parse(answer.value_or(""), nullptr, false);
    if (!health.is_object() || !health.contains("workers") || !health["workers"].is_object() ||
        !health.contains("queue") || !health["queue"].is_object()) {
        return;
    }
    const auto version = health.value("version", std::string{});
    const auto& workers = health["workers"];
    const auto pending = health["queue"].value("pending", 0);
    const auto online = workers.value("idle", 0) + workers.value("busy", 0);
    Check check{
        .name = "coordinator",
        .found = fmt::format(
            "opslab {}; tasks: {} pending; workers: {} online, {} offline",
            version,
            pending,
            online,
            workers.value("offline", 0)
        )};
    if (version != OPSLAB_VERSION) {
        check.result = CheckResult::warning;
        check.advice = "it runs another version than this program: restart it after an upgrade";
    } else if (pending > 0 && online == 0) {
        check.result = CheckResult::warning;
        check.advice = "nobody takes the tasks: opslab task explain TASK says what is missing";
    }
    checks.push_back(check);
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
            .found = plugin.name + ": " + storage.error().message +
                     (storage.error().detail.empty() ? "" : " (" + storage.error().detail + ")"),
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

/// A private folder that goes with the look: a runner keeps files, and those of a running
/// coordinator are not for us.
class ShortLivedFolder {
public:
    ShortLivedFolder() {
        auto name = (std::filesystem::temp_directory_path() / "opslab-doctor-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) {
            path_ = name;
        }
    }
    ShortLivedFolder(const ShortLivedFolder&) = delete;
    ShortLivedFolder& operator=(const ShortLivedFolder&) = delete;
    ~ShortLivedFolder() {
        std::error_code none;
        if (!path_.empty()) {
            std::filesystem::remove_all(path_, none);
        }
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_{};
};

/// A runner speaks in lines: what it is first, then what wants attention, with what to do about it.
void add_lines(
    Checks& checks,
    const std::string& name,
    CheckResult result,
    const std::string& text,
    const std::string& advice
) {
    std::istringstream lines(text);
    std::string line;
    for (bool first = true; std::getline(lines, line); first = false) {
        checks.push_back(
            {.name = name,
             .result = first ? result : CheckResult::warning,
             .found = line,
             .advice = first ? advice : std::string{}}
        );
    }
}

/// What the plugin itself says of the place where its runs happen.
void check_runner(
    Checks& checks,
    const std::string& name,
    const plugin::ReadyPlugin& ready,
    const std::filesystem::path& state
) {
    const auto subject = "runner " + name;
    SystemClock clock;
    const auto logger = make_service_log(ServiceLogFormat::human, LogLevel::critical, clock);
    const plugin::RunnerHostFacts facts{
        .clock = clock,
        .logger = *logger,
        .state_root = state / name,
        .version = OPSLAB_VERSION,
        .name = name};
    std::error_code none;
    std::filesystem::create_directories(facts.state_root, none);
    const auto runner = plugin::open_runner(ready.library, facts, ready.config_json, nullptr);
    if (!runner) {
        add_lines(
            checks,
            subject,
            CheckResult::failed,
            runner.error().message,
            "opslab plugin info NAME lists its settings"
        );
        return;
    }
    const auto health = (*runner)->health();
    if (health) {
        add_lines(checks, subject, CheckResult::ok, *health, "");
        return;
    }
    add_lines(
        checks,
        subject,
        CheckResult::failed,
        health.error().message,
        "docs/troubleshooting.md says more; a Docker engine: systemctl start docker, and the "
        "service's user in group docker; a driver: install it or name its whole path"
    );
}

void check_runners(Checks& checks, const config::Settings& settings, const ReadyPlugins& plugins) {
    const ShortLivedFolder state;
    for (const auto& runner : settings.runners) {
        const auto& ready = plugins.runners.at(runner.name);
        check_runner(checks, runner.name, ready, state.path());
    }
    if (!settings.runners.empty()) {
        return;
    }
    checks.push_back(
        {.name = "runners",
         .result = CheckResult::warning,
         .found = "none are configured",
         .advice = "tasks wait for workers that register over REST; add runners and workers to "
                   "run them here"}
    );
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
    checks.push_back(check_program(OPSLAB_VERSION));
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
    const auto plugins = find_plugins(*settings);
    const auto storage =
        plugins ? nlohmann::json::parse(plugins->storage.config_json) : nlohmann::json::object();
    checks.push_back(check_config_file(settings->file, storage));
    check_secrets(checks, *settings, storage);
    const bool serves = check_port(checks, settings->server);
    if (serves) {
        check_running(checks, settings->server);
    }
    if (plugins) {
        checks.push_back(serves ? storage_of_running(settings->server) : check_storage(*plugins));
        check_runners(checks, *settings, *plugins);
    } else {
        add_findings(checks, "plugins", plugins.error());
    }
    checks.push_back(check_state_folder(settings->state_path));
    checks.push_back(check_disk("disk", settings->state_path));
    if (storage.contains("path") && storage["path"].is_string()) {
        checks.push_back(check_disk("disk, storage", storage["path"].get<std::string>()));
    }
    constexpr std::uint64_t kOwnFiles = 256;
    checks.push_back(
        check_open_files(static_cast<std::uint64_t>(settings->server.max_connections) + kOwnFiles)
    );
    checks.push_back(check_clock());
    return checks;
}

}  // namespace opslab::daemon
