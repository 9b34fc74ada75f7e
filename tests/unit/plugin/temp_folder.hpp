#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace opslab::plugin {

/// A folder of mode 0700 that is gone after the test.
class TempFolder {
public:
    TempFolder() {
        std::string pattern = std::filesystem::temp_directory_path() / "opslab-plugin-XXXXXX";
        // mkdtemp makes it for us alone
        path_ = std::filesystem::canonical(::mkdtemp(pattern.data()));
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code error;
        std::filesystem::remove_all(path_, error);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    /// A copy of one of the test plugins, under another name, mode 0755.
    std::filesystem::path copy_plugin(const std::string& from, const std::string& to) const {
        const auto file = path_ / to;
        std::filesystem::copy_file(
            std::filesystem::path(OPSLAB_TEST_PLUGIN_DIR) / (from + ".so"), file
        );
        std::filesystem::permissions(file, std::filesystem::perms{0755});
        return file;
    }

    std::filesystem::path write(const std::string& name, const std::string& text) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file} << text;
        return file;
    }

private:
    std::filesystem::path path_{};
};

}  // namespace opslab::plugin
