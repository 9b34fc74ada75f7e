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

/// Of a crash file: far more than anyone restarts by hand.
constexpr int kMostCrashes = 1000;

/// Between the crashes of one process and those of the next.
constexpr std::string_view kStart = "start";

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
            mark.read_crashes(folder / ("crash." + std::to_string(number)));
            mark.keep_crashes();
            return mark;
        }
        ::close(lock);
    }
    return mark;
}

/// A crash is three lines: signal, plugin, call and whose it was.
void RunMark::read_crashes(const std::filesystem::path& file) {
    crash_file_ = file;
    std::ifstream kept(file);
    std::string line;
    while (crashes_.size() < kMostCrashes && std::getline(kept, line)) {
        predecessor_crashed_ = line != kStart;
        std::string plugin;
        std::string doing;
        if (predecessor_crashed_ && std::getline(kept, plugin) && std::getline(kept, doing)) {
            crashes_.push_back({line, doing.substr(0, doing.find(" (")), doing});
        }
    }
}

void RunMark::keep_crashes() {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    crash_ = ::open(crash_file_.c_str(), kFlags, S_IRUSR | S_IWUSR);
    if (crash_ < 0) {
        return;
    }
    if (!crashes_.empty()) {
        const auto line = std::string{kStart} + "\n";
        // on a full disk the next start tells of an old crash, at worst
        static_cast<void>(!::write(crash_, line.data(), line.size()));
    }
    plugin::keep_crashes(crash_);
}

void RunMark::tell_of_killed(
    std::string_view who, Logger& logger, std::initializer_list<LogField> fields
) const {
    if (!predecessor_was_killed_) {
        return;
    }
    std::vector<LogField> all(fields);
    if (predecessor_crashed_ && !crashes_.empty()) {
        all.push_back({"crash", crashes_.back().signal + " in " + crashes_.back().whose});
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
      predecessor_crashed_(other.predecessor_crashed_),
      crashes_(std::move(other.crashes_)),
      crash_file_(std::move(other.crash_file_)),
      crash_(std::exchange(other.crash_, -1)) {}

RunMark& RunMark::operator=(RunMark&& other) noexcept {
    std::swap(lock_, other.lock_);
    std::swap(file_, other.file_);
    std::swap(predecessor_was_killed_, other.predecessor_was_killed_);
    std::swap(predecessor_crashed_, other.predecessor_crashed_);
    std::swap(crashes_, other.crashes_);
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
