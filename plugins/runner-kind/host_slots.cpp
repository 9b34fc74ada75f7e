#include "host_slots.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace opslab::runner_kind {
namespace {

constexpr mode_t kForAll = 0666;
constexpr mode_t kDirectoryForAll = 01777;

[[nodiscard]] tl::unexpected<RunnerError> unusable(const std::string& path) {
    // read at once, before another call changes it  NOLINTNEXTLINE(concurrency-mt-unsafe)
    const std::string why = std::strerror(errno);
    return runner_fail(
        RunnerErrc::infrastructure,
        "the locks that all runners of this machine share cannot be used (" + path + ": " + why +
            "); set host_lock_path"
    );
}

// Another user's file is opened as it is: with O_CREAT the kernel may refuse it
// (protected_regular).
[[nodiscard]] exec::UniqueFd open_slot(const std::string& path) {
    exec::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd && errno == ENOENT) {
        fd.reset(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kForAll)
        );
        if (!fd && errno == EEXIST) {
            fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        }
        if (fd) {
            ::fchmod(fd.get(), kForAll);  // whatever the umask says
        }
    }
    return fd;
}

}  // namespace

RunnerStatus HostSlots::open() const {
    if (directory_.empty()) {
        return {};
    }
    if (::mkdir(directory_.c_str(), S_IRWXU) == 0) {
        ::chmod(directory_.c_str(), kDirectoryForAll);
    } else if (errno != EEXIST) {
        return unusable(directory_);
    }
    const std::string first = directory_ + "/slot-1";
    return open_slot(first) ? RunnerStatus{} : RunnerStatus{unusable(first)};
}

RunnerResult<exec::UniqueFd> HostSlots::take(Interrupt interrupt) const {
    constexpr int kPauseMs =
        100;  // there is no waiting for whichever of several locks is free first
    if (directory_.empty()) {
        return exec::UniqueFd{};
    }
    for (;;) {
        for (int slot = 1; slot <= count_; ++slot) {
            const std::string path = directory_ + "/slot-" + std::to_string(slot);
            exec::UniqueFd fd = open_slot(path);
            if (!fd) {
                return unusable(path);
            }
            if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
                return fd;
            }
        }
        pollfd entry{interrupt.fd, POLLIN, 0};
        if (::poll(&entry, 1, kPauseMs) > 0) {
            return runner_fail(
                RunnerErrc::interrupted,
                "the wait for other creations on this machine was interrupted"
            );
        }
    }
}

}  // namespace opslab::runner_kind
