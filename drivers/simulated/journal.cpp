#include "journal.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace simulated {

void write_journal(const char* what, const Task& task) {
    // one thread: nobody changes the environment
    const char* path = std::getenv("OPSLAB_SIMULATED_JOURNAL");  // NOLINT(concurrency-mt-unsafe)
    if (path == nullptr) {
        return;
    }
    const int file = ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return;
    }
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t nanoseconds = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    const std::string line = std::string(what) + " " + task.task_id + " " +
                             std::to_string(task.attempt) + " " + std::to_string(::getpid()) + " " +
                             std::to_string(nanoseconds) + "\n";
    static_cast<void>(!::write(file, line.data(), line.size()));
    ::close(file);
}

}  // namespace simulated
