#pragma once

#include "plugin/call_observer.hpp"
#include "plugin/library.hpp"

#include <opslab/storage.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace opslab::plugin {

/// Calls that take longer are logged as warnings.
inline constexpr Duration kSlowStorageCall = std::chrono::seconds{1};

/// Opens a storage behind a guard: nothing that it throws gets out, failures of the storage itself
/// (`unavailable`, `timeout`, `internal`, …) carry its name (`storage "sqlite": …`), every call is
/// timed. `config_json` is checked against the plugin's schema, defaults filled in; finished text
/// passes unchanged. `host` and `observer` (may be null) must outlive the storage.
[[nodiscard]] Result<std::unique_ptr<Storage>> open_storage(
    const Library& library,
    const StorageHost& host,
    const std::string& config_json,
    CallObserver* observer
);

/// The same from a file `storage-NAME.so`.
[[nodiscard]] Result<std::unique_ptr<Storage>> open_storage(
    const std::filesystem::path& file,
    const StorageHost& host,
    const std::string& config_json,
    CallObserver* observer
);

}  // namespace opslab::plugin
