#include "journal.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace simulated {
namespace {

class Journal {
public:
    // one thread: nobody changes the environment
    Journal() {
        if (const char* path =
                std::getenv("OPSLAB_SIMULATED_JOURNAL")) {  // NOLINT(concurrency-mt-unsafe)
            file_ = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        }
    }

    void write(const char* what, const Task& task) const {
        if (file_ < 0) {
            return;
        }
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const std::int64_t nanoseconds = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
        const std::string line = std::string(what) + " " + task.task_id + " " +
                                 std::to_string(task.attempt) + " " + std::to_string(::getpid()) +
                                 " " + std::to_string(nanoseconds) + "\n";
        static_cast<void>(!::write(file_, line.data(), line.size()));
    }

    // The kernel frees the lock when this process is gone, however it went; so a lock that is not
    // to be had proves another living run of the task, where a missing "end" line would prove
    // nothing.
    [[nodiscard]] bool is_alone(const Task& task) const {
        if (file_ < 0) {
            return true;
        }
        std::uint64_t place = 0xcbf29ce484222325U;  // FNV-1a of the task's id
        for (const char letter : std::string_view(task.task_id)) {
            place = (place ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
        }
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_start = static_cast<off_t>(place >> 2U);
        lock.l_len = 1;
        return ::fcntl(file_, F_OFD_SETLK, &lock) ==
               0;  // NOLINT(cppcoreguidelines-pro-type-vararg)
    }

private:
    int file_ = -1;  // open, and with it the lock, until the process ends
};

const Journal& journal() {
    static const Journal kJournal;
    return kJournal;
}

}  // namespace

void begin_journal(const Task& task) {
    if (!journal().is_alone(task)) {
        journal().write("overlap", task);
    }
    journal().write("start", task);
}

void end_journal(const Task& task) {
    journal().write("end", task);
}

}  // namespace simulated
