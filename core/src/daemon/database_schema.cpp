#include "daemon/database_schema.hpp"

#include "base/system_clock.hpp"
#include "daemon/coordinator.hpp"
#include "daemon/refusal.hpp"
#include "plugin/guarded_storage.hpp"
#include "telemetry/service_log.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>

namespace opslab::daemon {

namespace {

constexpr int kNotCurrent = 1;
constexpr int kUnreachable = 6;

}  // namespace

int look_after_schema(const SchemaOptions& options) {
    std::optional<std::filesystem::path> file;
    if (options.config_file) {
        file = *options.config_file;
    }
    const auto settings = config::load_settings(file, config::process_environment());
    if (!settings) {
        return refuse(settings.error());
    }
    const auto plugins = find_plugins(*settings);
    if (!plugins) {
        return refuse(plugins.error());
    }
    auto config = nlohmann::json::parse(plugins->storage.config_json);
    if (config.contains("migrations")) {
        config["migrations"] = options.migrate ? "auto" : "never";
    }
    SystemClock clock;
    SystemEntropy entropy;
    const auto logger = make_service_log(ServiceLogFormat::human, LogLevel::warning, clock);
    const auto storage = plugin::open_storage(
        plugins->storage.library, StorageHost{clock, entropy, *logger}, config.dump(), nullptr
    );
    if (!storage) {
        const auto& error = storage.error();
        fmt::print(
            stderr,
            "opslab: {}{}\n",
            error.message,
            error.detail.empty() ? "" : " (" + error.detail + ")"
        );
        const bool away =
            storage.error().code == Errc::unavailable || storage.error().code == Errc::timeout;
        return away ? kUnreachable : kNotCurrent;
    }
    const auto info = (*storage)->info();
    fmt::print(
        "{} {}: up to date, schema version {}\n", info.name, info.location, info.schema_version
    );
    return 0;
}

}  // namespace opslab::daemon
