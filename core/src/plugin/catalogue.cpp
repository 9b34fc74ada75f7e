#include "plugin/catalogue.hpp"

#include "config/nearest.hpp"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

namespace opslab::plugin {

namespace fs = std::filesystem;

namespace {

/// A folder as messages show it. A relative name stays what it is: the loader refuses it.
fs::path shown(const fs::path& folder) {
    std::error_code error;
    auto canonical = folder.is_absolute() ? fs::canonical(folder, error) : folder;
    return error ? folder.lexically_normal() : canonical;
}

}  // namespace

std::vector<fs::path> plugin_folders(const std::vector<std::string>& configured) {
    std::vector<fs::path> folders;
    folders.reserve(configured.size() + 2);
    for (const auto& folder : configured) {
        folders.push_back(shown(folder));
    }
    std::error_code error;
    const fs::path executable = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
        const fs::path beside = executable.parent_path();
        folders.push_back((beside / "../lib/opslab/plugins").lexically_normal());
        folders.push_back(beside / "plugins");
    }
    return folders;
}

Catalogue::Catalogue(std::vector<fs::path> folders) : folders_(std::move(folders)) {}

std::vector<Catalogue::Found> Catalogue::scan() const {
    std::map<std::pair<Kind, std::string>, fs::path> first;
    for (const fs::path& folder : folders_) {
        std::error_code error;
        for (fs::directory_iterator at{folder, error}, end; !error && at != end;
             at.increment(error)) {
            if (const auto what = expected_of(at->path())) {
                first.emplace(std::pair{what->kind, what->name}, at->path());
            }
        }
    }
    std::vector<Found> found;
    found.reserve(first.size());
    for (const auto& [what, file] : first) {
        found.push_back({Expected{what.first, what.second}, file});
    }
    return found;
}

std::vector<std::string> Catalogue::names(Kind kind) const {
    std::vector<std::string> names;
    for (const Found& found : scan()) {
        if (found.what.kind == kind) {
            names.push_back(found.what.name);
        }
    }
    return names;
}

std::vector<Listed> Catalogue::list() const {
    std::vector<Listed> listed;
    for (const Found& found : scan()) {
        Listed entry{found.what.kind, found.what.name, "", found.file, std::nullopt};
        const auto library = Library::open(found.file, found.what);
        if (library) {
            entry.version = library->description().version;
        } else {
            entry.refusal = library.error();
        }
        listed.push_back(std::move(entry));
    }
    return listed;
}

Result<Library> Catalogue::open(Kind kind, const std::string& name) const {
    for (const Found& found : scan()) {
        if (found.what.kind == kind && found.what.name == name) {
            return Library::open(found.file, found.what);
        }
    }
    const auto known = names(kind);
    std::string places;
    for (const fs::path& folder : folders_) {
        places += (places.empty() ? "" : ", ") + folder.string();
    }
    const std::string meant = config::hint(name, known);
    return fail(
        Errc::not_found,
        std::string{"no "} + to_string(kind) + " plugin \"" + name + "\" in " +
            (places.empty() ? "no folders" : places) + meant
    );
}

}  // namespace opslab::plugin
