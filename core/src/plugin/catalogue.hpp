#pragma once

#include "plugin/library.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::plugin {

/// A plugin as `opslab plugin list` shows it.
struct Listed {
    Kind kind = Kind::runner;
    std::string name{};
    std::string version{};  ///< empty where it was refused
    std::filesystem::path file{};
    std::optional<Error> refusal{};
};

/// `configured` (`plugins.path`) as canonical paths, then beside the executable:
/// `../lib/opslab/plugins` and `plugins`.
[[nodiscard]] std::vector<std::filesystem::path> plugin_folders(
    const std::vector<std::string>& configured
);

/// The plugins in some folders. Where two folders hold one plugin, the first folder's counts.
/// A folder that does not exist has none.
class Catalogue {
public:
    explicit Catalogue(std::vector<std::filesystem::path> folders);

    [[nodiscard]] const std::vector<std::filesystem::path>& folders() const { return folders_; }

    /// The names of that kind, sorted. Opens nothing.
    [[nodiscard]] std::vector<std::string> names(Kind kind) const;

    /// Everything that is there, by kind and name. Opens every file (and so loads it).
    [[nodiscard]] std::vector<Listed> list() const;

    /// Opens one. Errors: `not_found` with the nearest name and the folders; `Library::open`'s.
    [[nodiscard]] Result<Library> open(Kind kind, const std::string& name) const;

private:
    struct Found {
        Expected what{};
        std::filesystem::path file{};
    };

    [[nodiscard]] std::vector<Found> scan() const;

    std::vector<std::filesystem::path> folders_;
};

}  // namespace opslab::plugin
