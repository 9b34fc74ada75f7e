#pragma once

#include "config/schema.hpp"

#include <opslab/error.hpp>
#include <opslab/storage_plugin.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace opslab::plugin {

enum class Kind : std::uint8_t { storage = OPSLAB_PLUGIN_STORAGE, runner = OPSLAB_PLUGIN_RUNNER };

[[nodiscard]] constexpr const char* to_string(Kind kind) {
    return kind == Kind::storage ? "storage" : "runner";
}

/// What the file is expected to be; a file's name says it: `storage-NAME.so`, `runner-NAME.so`.
struct Expected {
    Kind kind = Kind::runner;
    std::string name{};
};

/// From a file's name. Errors: `invalid_argument` where it has not that form.
[[nodiscard]] Result<Expected> expected_of(const std::filesystem::path& file);

/// What an accepted descriptor says, copied.
struct Description {
    std::filesystem::path file{};  ///< absolute, links resolved
    Kind kind = Kind::runner;
    std::string name{};
    std::string version{};
    std::string schema_text{};
    config::Schema schema{};  ///< parsed `schema_text`
};

/// An accepted plugin library. It stays loaded until the process ends, whatever becomes of this
/// value: objects and code of it may outlive it. Copies are cheap.
class Library {
public:
    /// Opens `file` and checks its descriptor field by field before anything of it is called (but
    /// for static constructors, which the dynamic linker runs).
    ///
    /// Errors, each naming file, plugin, what was found and what was wanted: `not_found` (no such
    /// file), `permission_denied` (others may write it), `unsupported` (another ABI or toolchain),
    /// `invalid_argument` (anything else). Threads: one at a time.
    [[nodiscard]] static Result<Library> open(
        const std::filesystem::path& file, const Expected& expected
    );

    [[nodiscard]] const Description& description() const { return *description_; }

    /// Set for a runner, else null.
    [[nodiscard]] opslab_create_runner_fn create_runner() const { return create_runner_; }
    /// Set for a storage, else null.
    [[nodiscard]] CreateStorageFn create_storage() const { return create_storage_; }

private:
    Library() = default;

    // shared: guards hold the description beyond the catalogue that opened the library
    std::shared_ptr<const Description> description_{};
    opslab_create_runner_fn create_runner_ = nullptr;
    CreateStorageFn create_storage_ = nullptr;
};

}  // namespace opslab::plugin
