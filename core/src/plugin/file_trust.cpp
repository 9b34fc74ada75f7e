#include "plugin/file_trust.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>

namespace opslab::plugin {

namespace {

/// Under an umask of 002 each user's files may be written by a group of that user alone.
bool is_private_group(const struct stat& info) {
    return info.st_uid != 0 && info.st_gid == info.st_uid && info.st_gid == ::getegid();
}

Status check_file(const std::string& path, const struct stat& info) {
    if (!S_ISREG(info.st_mode)) {
        return fail(Errc::invalid_argument, path + ": expected a plugin library, found no file");
    }
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
        return fail(
            Errc::permission_denied,
            path + ": owned by user " + std::to_string(info.st_uid) +
                ", wanted root or the user that runs opslab (" + std::to_string(::geteuid()) + ")"
        );
    }
    if ((info.st_mode & S_IWOTH) != 0) {
        return fail(
            Errc::permission_denied, path + ": every user may write it, wanted mode 0755 or less"
        );
    }
    if ((info.st_mode & S_IWGRP) != 0 && !is_private_group(info)) {
        return fail(
            Errc::permission_denied,
            path + ": group " + std::to_string(info.st_gid) +
                " may write it, wanted mode 0755 or less"
        );
    }
    return {};
}

Status check_folder(const std::string& path, const std::string& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) {
        return fail(Errc::not_found, path + ": its folder cannot be read");
    }
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
        return fail(
            Errc::permission_denied,
            path + ": its folder is owned by user " + std::to_string(info.st_uid) +
                ", wanted root or the user that runs opslab (" + std::to_string(::geteuid()) + ")"
        );
    }
    if ((info.st_mode & S_IWOTH) != 0) {
        return fail(
            Errc::permission_denied,
            path + ": every user may write its folder, wanted mode 0755 or less"
        );
    }
    if ((info.st_mode & S_IWGRP) != 0 && !is_private_group(info)) {
        return fail(
            Errc::permission_denied,
            path + ": group " + std::to_string(info.st_gid) +
                " may write its folder, wanted mode 0755 or less"
        );
    }
    return {};
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
    return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
           folder.end();
}

/// Who may write a folder further up can put another one in the place of the plugin's. With the
/// sticky bit, as on /tmp, nobody moves what is another's. A folder that holds this program too is
/// let be: who can replace opslab needs no plugin.
Status check_way(const std::string& path, const std::filesystem::path& folder) {
    std::error_code ignored;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored);
    for (auto above = folder; above.has_relative_path();) {
        above = above.parent_path();
        if (is_within(program, above)) {
            return {};
        }
        struct stat info {};
        if (::stat(above.c_str(), &info) != 0) {
            return fail(Errc::not_found, path + ": " + above.string() + " cannot be read");
        }
        if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0) {
            return fail(
                Errc::permission_denied,
                path + ": every user may write " + above.string() +
                    ", through which it is reached; wanted mode 0755 or less, or the sticky bit"
            );
        }
    }
    return {};
}

}  // namespace

Result<std::filesystem::path> trusted_file(const std::filesystem::path& file) {
    namespace fs = std::filesystem;
    if (!file.is_absolute()) {
        return fail(
            Errc::invalid_argument, file.string() + ": a relative name, wanted an absolute path"
        );
    }
    std::error_code error;
    const fs::path real = fs::canonical(file, error);
    if (error) {
        return fail(Errc::not_found, file.string() + ": no such file");
    }
    const fs::path folder = fs::canonical(file.parent_path(), error);
    if (error || real.parent_path() != folder) {
        return fail(
            Errc::permission_denied,
            file.string() + ": a link that leads out of its folder, to " + real.string()
        );
    }
    struct stat info {};
    if (::stat(real.c_str(), &info) != 0) {
        return fail(Errc::not_found, real.string() + ": cannot be read");
    }
    if (const auto good = check_file(real.string(), info); !good) {
        return fail(good.error());
    }
    if (const auto good = check_folder(real.string(), folder.string()); !good) {
        return fail(good.error());
    }
    if (const auto good = check_way(real.string(), folder); !good) {
        return fail(good.error());
    }
    return real;
}

}  // namespace opslab::plugin
