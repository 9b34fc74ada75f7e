#pragma once

#include "plugin/call_observer.hpp"
#include "plugin/library.hpp"

#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/time.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace opslab::plugin {

inline constexpr std::size_t kMaxHandleBytes = 4096;
inline constexpr std::size_t kMaxErrorBytes = 8192;
inline constexpr std::size_t kMaxLineBytes = 1024 * 1024;
inline constexpr std::size_t kMaxOwnedRuns = 100'000;

/// What a runner is lent. The references must outlive it.
struct RunnerHostFacts {
    Clock& clock;
    Logger& logger;
    /// The plugin's own directory is made under it: `STATE_ROOT/runner-NAME`, mode 0700.
    std::filesystem::path state_root{};
    std::string version{};  ///< opslab's
    std::string name{};     ///< as configured, for messages; empty: the plugin's own
};

/// Opens a runner behind a guard: nothing that it throws gets out, everything that it answers is
/// held to the bounds of plugin.h (sizes, UTF-8, result codes), its errors carry its name
/// (`runner "docker": …`, with the call where the plugin itself is at fault), every call is timed
/// and watched. `config_json` is checked against the plugin's
/// schema, defaults filled in. Closed by its destructor. `observer` may be null.
[[nodiscard]] Result<std::unique_ptr<Runner>> open_runner(
    const Library& library,
    const RunnerHostFacts& host,
    const std::string& config_json,
    CallObserver* observer
);

/// The same from a file `runner-NAME.so`.
[[nodiscard]] Result<std::unique_ptr<Runner>> open_runner(
    const std::filesystem::path& file,
    const RunnerHostFacts& host,
    const std::string& config_json,
    CallObserver* observer
);

}  // namespace opslab::plugin
