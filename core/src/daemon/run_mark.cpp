#include "daemon/run_mark.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

namespace opslab::daemon {

namespace {

constexpr int kProcessesInOneFolder = 100;

}  // namespace

RunMark RunMark::leave(const std::filesystem::path& folder) {
    RunMark mark;
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    for (int number = 1; number <= kProcessesInOneFolder; ++number) {
        const auto file = folder / ("running." + std::to_string(number));
        const bool was_there = ::access(file.c_str(), F_OK) == 0;
        const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (lock < 0) {
            return mark;
        }
        if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
            mark.lock_ = lock;
            mark.file_ = file;
            mark.predecessor_was_killed_ = was_there;
            return mark;
        }
        ::close(lock);
    }
    return mark;
}

void RunMark::tell_of_killed(
    std::string_view who, Logger& logger, std::initializer_list<LogField> fields
) const {
    if (predecessor_was_killed_) {
        log(logger,
            LogLevel::warning,
            "the last " + std::string(who) +
                " here was not stopped in order (it was killed, or the machine went down); what it "
                "ran is picked up or removed",
            fields);
    }
}

RunMark::RunMark(RunMark&& other) noexcept
    : lock_(std::exchange(other.lock_, -1)),
      file_(std::move(other.file_)),
      predecessor_was_killed_(other.predecessor_was_killed_) {}

RunMark& RunMark::operator=(RunMark&& other) noexcept {
    std::swap(lock_, other.lock_);
    std::swap(file_, other.file_);
    std::swap(predecessor_was_killed_, other.predecessor_was_killed_);
    return *this;
}

RunMark::~RunMark() {
    if (lock_ >= 0) {
        ::unlink(file_.c_str());
        ::close(lock_);
    }
}

}  // namespace opslab::daemon
