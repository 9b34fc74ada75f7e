#pragma once

#include <opslab/storage.hpp>

#include <memory>
#include <string>

namespace opslab::memory {

/// A storage in plain containers behind one mutex, for tests: slow at size, easy to see through.
/// It keeps nothing when destroyed, and counts by looking at every row. `host` must outlive it.
/// Errors: none.
[[nodiscard]] std::unique_ptr<Storage> make_storage(const StorageHost& host);

/// The same as a plugin's open function; it has no settings.
[[nodiscard]] Result<std::unique_ptr<Storage>> open_memory(
    const StorageHost& host, const std::string& config_json
);

}  // namespace opslab::memory
