#include "family.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace opslab::supervise {
namespace {

// A child that was not reaped keeps its pid, and with it its group exists: neither can mean
// somebody else. The whole group at once, because a group that forks fast outruns one kill after
// another.
void kill_child(pid_t child) {
    const pid_t group = ::getpgid(child);
    if (group > 1 && group != ::getpgrp()) {
        ::kill(-group, SIGKILL);
    }
    ::kill(child, SIGKILL);
}

void kill_listed(FILE* list) {
    char word[32] = {};
    while (std::fscanf(list, "%31s", word) == 1) {
        const long pid = std::strtol(word, nullptr, 10);
        if (pid > 1) {
            kill_child(static_cast<pid_t>(pid));
        }
    }
}

[[nodiscard]] pid_t parent_of(const char* pid) {
    char path[64] = {};
    std::snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE* file = std::fopen(path, "re");
    if (file == nullptr) {
        return 0;
    }
    char text[512] = {};
    const size_t size = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    text[size] = '\0';
    const char* after_name = std::strrchr(text, ')');
    if (after_name == nullptr || std::strlen(after_name) < 5) {
        return 0;
    }
    return static_cast<pid_t>(std::strtol(after_name + 4, nullptr, 10));
}

// For kernels that were built without the list of children.
void kill_by_scan() {
    DIR* dir = ::opendir("/proc");
    if (dir == nullptr) {
        return;
    }
    while (const dirent* entry = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe): one thread
        const bool is_pid = entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
        if (is_pid && parent_of(entry->d_name) == ::getpid()) {
            kill_child(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
        }
    }
    ::closedir(dir);
}

void kill_children() {
    FILE* list = std::fopen("/proc/thread-self/children", "re");
    if (list == nullptr) {
        kill_by_scan();
        return;
    }
    kill_listed(list);
    std::fclose(list);
}

}  // namespace

bool Family::reap_until_leader_ended() const {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            break;
        }
        if (info.si_pid == leader_) {
            return true;
        }
        ::waitpid(info.si_pid, nullptr, WNOHANG);
    }
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(leader_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == leader_;
}

void Family::terminate() const {
    ::kill(-leader_, SIGTERM);
}

int Family::kill_all() const {
    int leader_status = 0;
    ::kill(-leader_, SIGKILL);
    ::kill(leader_, SIGKILL);  // it may not have made its group yet
    while (::waitpid(leader_, &leader_status, 0) < 0 && errno == EINTR) {
    }
    // each round makes the children of the dead ours; it ends when there is nobody to wait for
    for (;;) {
        kill_children();
        pid_t reaped = ::waitpid(-1, nullptr, 0);
        if (reaped < 0 && errno == ECHILD) {
            return leader_status;
        }
        while (reaped > 0) {
            reaped = ::waitpid(-1, nullptr, WNOHANG);
        }
    }
}

}  // namespace opslab::supervise
