#include "daemon/run_mark.hpp"

#include "plugin/crash_note.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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
            mark.keep_crashes_in(folder / ("crash." + std::to_string(number)));
            return mark;
        }
        ::close(lock);
    }
    return mark;
}

void RunMark::keep_crashes_in(const std::filesystem::path& file) {
    std::ifstream kept(file);
    std::string plugin;
    std::string doing;
    std::string signal;
    if (std::getline(kept, signal) && std::getline(kept, plugin) && std::getline(kept, doing)) {
        last_crash_ = {signal, doing.substr(0, doing.find(" (")), doing};
    }
    crash_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (crash_ >= 0) {
        crash_file_ = file;
        plugin::keep_crashes(crash_);
    }
}

void RunMark::tell_of_killed(
    std::string_view who, Logger& logger, std::initializer_list<LogField> fields
) const {
    if (!predecessor_was_killed_) {
        return;
    }
    std::vector<LogField> all(fields);
    if (!last_crash_.signal.empty()) {
        all.push_back({"crash", last_crash_.signal + " in " + last_crash_.whose});
    }
    logger.log(
        LogLevel::warning,
        "the last " + std::string(who) +
            " here was not stopped in order (it was killed, or the machine went down); what it "
            "ran is picked up or removed",
        all
    );
}

RunMark::RunMark(RunMark&& other) noexcept
    : lock_(std::exchange(other.lock_, -1)),
      file_(std::move(other.file_)),
      predecessor_was_killed_(other.predecessor_was_killed_),
      last_crash_(std::move(other.last_crash_)),
      crash_file_(std::move(other.crash_file_)),
      crash_(std::exchange(other.crash_, -1)) {}

RunMark& RunMark::operator=(RunMark&& other) noexcept {
    std::swap(lock_, other.lock_);
    std::swap(file_, other.file_);
    std::swap(predecessor_was_killed_, other.predecessor_was_killed_);
    std::swap(last_crash_, other.last_crash_);
    std::swap(crash_file_, other.crash_file_);
    std::swap(crash_, other.crash_);
    return *this;
}

RunMark::~RunMark() {
    if (crash_ >= 0) {
        plugin::keep_crashes(-1);
        ::unlink(crash_file_.c_str());
        ::close(crash_);
    }
    if (lock_ >= 0) {
        ::unlink(file_.c_str());
        ::close(lock_);
    }
}

}  // namespace opslab::daemon
