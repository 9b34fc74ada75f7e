#include "file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace opslab::sqlite {

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

Result<FileLock> FileLock::take(const std::filesystem::path& database) {
    const auto path = database.string() + ".lock";
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor < 0) {
        return fail(
            Errc::unavailable,
            "cannot open the lock file \"" + path +
                "\": " + std::generic_category().message(errno) +
                "; its folder must be there, and this user must be able to write in it"
        );
    }
    FileLock lock{descriptor};
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return fail(
                Errc::conflict,
                "the database \"" + database.string() +
                    "\" is in use by another opslab process; an SQLite file belongs to one "
                    "coordinator. End that one (pgrep -a opslab), or set another "
                    "storage.sqlite.path here"
            );
        }
        return fail(
            Errc::unavailable,
            "cannot lock \"" + path + "\": " + std::generic_category().message(errno)
        );
    }
    return lock;
}

}  // namespace opslab::sqlite
