#include "directory.hpp"

#include <opslab/exec/tree_removal.hpp>
#include <opslab/exec/unique_fd.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace opslab::exec {
namespace {

// A directory that the driver closed to itself is opened again: it is ours to remove.
[[nodiscard]] UniqueFd open_dir(int parent, const char* name) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd dir(::openat(parent, name, kFlags));
    if (!dir && errno == EACCES && ::fchmodat(parent, name, S_IRWXU, 0) == 0) {
        dir.reset(::openat(parent, name, kFlags));
    }
    if (dir) {
        ::fchmod(dir.get(), S_IRWXU);
    }
    return dir;
}

[[nodiscard]] std::optional<std::vector<std::string>> entries_of(int fd) {
    UniqueFd copy(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const Directory dir(copy ? ::fdopendir(copy.get()) : nullptr);
    if (dir == nullptr) {
        return std::nullopt;
    }
    static_cast<void>(copy.release());  // closedir closes it
    std::vector<std::string> names;
    // readdir of one's own DIR is safe from any thread
    while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe)
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    return names;
}

// What another remover of the same tree was quicker with is removed all the same.
[[nodiscard]] bool gone(int result) {
    return result == 0 || errno == ENOENT;
}

/// Empties a tree by lifting what lies two levels down to the top, until nothing is left: depth
/// costs neither stack nor descriptors nor a path too long for the kernel.
class Flattener {
public:
    explicit Flattener(int top) : top_(top) {}

    /// The name that would not go, or none.
    [[nodiscard]] std::optional<std::string> run() {
        for (;;) {
            const auto names = entries_of(top_);
            if (!names && errno != ENOENT) {
                return ".";
            }
            if (!names || names->empty()) {
                return std::nullopt;
            }
            for (const std::string& name : *names) {
                if (!remove(name)) {
                    return name;
                }
            }
        }
    }

private:
    [[nodiscard]] bool remove(const std::string& name) {
        if (gone(::unlinkat(top_, name.c_str(), 0)) ||
            gone(::unlinkat(top_, name.c_str(), AT_REMOVEDIR))) {
            return true;
        }
        if (errno != ENOTEMPTY && errno != EEXIST) {
            return false;
        }
        const UniqueFd dir = open_dir(top_, name.c_str());
        const auto below = dir ? entries_of(dir.get()) : std::nullopt;
        if (!below) {
            return errno == ENOENT;
        }
        for (const std::string& entry : *below) {
            if (!remove_or_lift(dir.get(), entry)) {
                return false;
            }
        }
        return gone(::unlinkat(top_, name.c_str(), AT_REMOVEDIR)) || errno == ENOTEMPTY;
    }

    [[nodiscard]] bool remove_or_lift(int dir, const std::string& entry) {
        if (gone(::unlinkat(dir, entry.c_str(), 0)) ||
            gone(::unlinkat(dir, entry.c_str(), AT_REMOVEDIR))) {
            return true;
        }
        if (errno != ENOTEMPTY && errno != EEXIST) {
            return false;
        }
        // moving a directory writes its ".."; where that cannot be, the move itself says so
        static_cast<void>(!::fchmodat(dir, entry.c_str(), S_IRWXU, 0));
        do {
            const std::string lifted = "~" + std::to_string(++count_);
            if (gone(::renameat(dir, entry.c_str(), top_, lifted.c_str()))) {
                return true;
            }
        } while (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR);
        return false;
    }

    int top_;
    std::uint64_t count_ = 0;
};

}  // namespace

RunnerStatus remove_tree(const std::string& path) {
    const UniqueFd top = open_dir(AT_FDCWD, path.c_str());
    if (!top) {
        if (errno == ENOENT) {
            return {};
        }
        return runner_fail(
            RunnerErrc::infrastructure, "cannot open \"" + path + "\": " + std::strerror(errno)
        );
    }
    // Another remover may lift an entry to where this one has already looked: once more, then.
    constexpr int kRemovalRounds = 8;
    Flattener flattener(top.get());
    for (int round = 0; round < kRemovalRounds; ++round) {
        if (const auto stuck = flattener.run()) {
            return runner_fail(
                RunnerErrc::infrastructure,
                "cannot remove \"" + path + "/" + *stuck + "\": " + std::strerror(errno)
            );
        }
        if (gone(::rmdir(path.c_str()))) {
            return {};
        }
        if (errno != ENOTEMPTY && errno != EEXIST) {
            break;
        }
    }
    return runner_fail(
        RunnerErrc::infrastructure, "cannot remove \"" + path + "\": " + std::strerror(errno)
    );
}

}  // namespace opslab::exec
