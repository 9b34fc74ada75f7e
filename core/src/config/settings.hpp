#pragma once

#include "config/finding.hpp"
#include "config/node.hpp"
#include "config/schema.hpp"

#include <opslab/logger.hpp>

#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What `opslab serve` and `opslab worker` run with: contract.md section 5, typed and checked. Made
/// once, at the start; hold it as `const Settings&`. Keys, defaults, units and ranges are declared
/// in settings_schema.json alone.
namespace opslab::config {

/// `host:port`; an IPv6 host without its brackets. Port 0: any free one.
struct ListenAddress {
    std::string host{"127.0.0.1"};
    std::uint16_t port = 8000;

    bool operator==(const ListenAddress&) const = default;
};

struct ServerSettings {
    ListenAddress listen{};
    std::optional<std::string> token_file{};
    bool allow_unauthenticated = false;
    std::int64_t max_body_bytes = 0;
    int max_connections = 0;
    int max_streams = 0;
    std::chrono::seconds slow_client{};
    int threads = 0;
    std::chrono::seconds drain{};
};

/// Of `opslab worker` alone: where it tells how it is.
struct WorkerServerSettings {
    std::optional<ListenAddress> listen{};  ///< nothing: nowhere
};

/// A plugin by name, and its own settings as written, with their places: the plugin host checks
/// them against the plugin's schema (plugin/plugin_config.hpp).
struct PluginBlock {
    std::string plugin{};
    Mark plugin_mark{};
    Path plugin_path{};  ///< `storage.plugin`, `runners[0].plugin`
    Node block{};        ///< an object
    Path block_path{};   ///< `storage.sqlite`, `runners[0].config`
    std::string file{};  ///< of the configuration; empty: none
};

struct RunnerSettings {
    std::string name{};  ///< the backend_type
    PluginBlock plugin{};
};

struct EmbeddedWorkerSettings {
    std::string runner{};  ///< the name of one of `runners`
    int count = 1;
    int max_parallel_tasks = 1;
    std::vector<std::string> supported_problems{};  ///< globs; empty: all
    std::chrono::seconds stop_grace{};
    std::int64_t max_log_bytes = 0;  ///< that a run may store; 0: no limit
};

struct HeartbeatSettings {
    std::chrono::seconds interval{};
    std::chrono::seconds timeout{};
};

struct TaskSettings {
    bool strict_problems = false;
    int default_max_retries = 0;
    std::chrono::seconds retry_base{};
    std::chrono::seconds retry_max{};
    std::chrono::seconds poll_interval{};  ///< the safety net behind wake-ups
};

struct CallbackSettings {
    bool allow_private = false;
    std::optional<std::string> secret_file{};
    int max_attempts = 0;
    std::chrono::seconds timeout{};
    std::chrono::seconds retry_base{};
    std::chrono::seconds retry_max{};
    int max_in_flight = 0;
};

enum class LogFormat : std::uint8_t { human, json };

struct LogSettings {
    LogFormat format = LogFormat::human;
    LogLevel level = LogLevel::info;
};

struct Settings {
    std::string file{};  ///< empty: defaults only
    ServerSettings server{};
    WorkerServerSettings worker_server{};
    std::vector<std::string> plugin_path{};  ///< `plugins.path`
    std::string state_path{};                ///< `plugins.state_path`
    std::chrono::seconds plugin_patience{};  ///< `plugins.overdue_seconds`
    PluginBlock storage{};
    HeartbeatSettings heartbeat{};
    std::chrono::seconds sweep_interval{};
    std::chrono::hours worker_retention{};  ///< of offline workers; zero: for ever
    TaskSettings tasks{};
    CallbackSettings callbacks{};
    LogSettings log{};
    std::vector<RunnerSettings> runners{};
    std::vector<EmbeddedWorkerSettings> workers{};

    /// Null where there is none of that name.
    [[nodiscard]] const RunnerSettings* find_runner(std::string_view name) const;
};

/// A listen address. Nothing where it is none.
[[nodiscard]] std::optional<ListenAddress> parse_listen(std::string_view text);

/// Whether only this machine can reach `host`. By the address, not by its text:
/// `127.example.com` is a name that may lead anywhere.
[[nodiscard]] bool is_loopback(const std::string& host);

/// The value of an environment variable, or nothing. Tests pass their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

[[nodiscard]] Environment process_environment();

/// Settings as far as they could be made out, and all findings, sorted. With any finding the
/// settings are good for nothing but to look for more mistakes (in the plugins' own settings).
struct Examined {
    Settings settings{};
    Findings findings{};
};

/// From text; `name` stands for the file in findings.
[[nodiscard]] Examined examine_settings(
    std::string_view text, const std::string& name, const Environment& environment
);

/// From a file; without one, the defaults.
[[nodiscard]] Examined examine_settings(
    const std::optional<std::filesystem::path>& file, const Environment& environment
);

/// Settings from a file, or the defaults where there is none. On failure ALL findings, sorted.
/// A plugin's own settings are not checked here: see plugin/config_check.hpp.
[[nodiscard]] tl::expected<Settings, Findings> load_settings(
    const std::optional<std::filesystem::path>& file, const Environment& environment
);

/// The same from text; `name` stands for the file in findings.
[[nodiscard]] tl::expected<Settings, Findings> parse_settings(
    std::string_view text, const std::string& name, const Environment& environment
);

/// Every setting, in order, for docs/configuration.md.
[[nodiscard]] std::vector<SettingRow> settings_reference();

}  // namespace opslab::config
