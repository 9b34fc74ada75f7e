#include "check/case_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>

namespace opslab::check {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMostText = std::size_t{1} << 20;
constexpr std::size_t kMostErrors = 4096;

struct Pipe {
    int read = -1;
    int write = -1;
};

[[nodiscard]] Pipe make_pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return {};
    }
    return {ends[0], ends[1]};
}

void write_all(int fd, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t put = ::write(fd, text.data() + at, text.size() - at);
        if (put <= 0 && errno != EINTR) {
            return;
        }
        at += put > 0 ? static_cast<std::size_t>(put) : 0;
    }
}

[[noreturn]] void be_child(
    int answer, int errors, pid_t parent, const std::function<std::string()>& work
) {
    // SIGKILL of the check must not leave a case behind
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(1);
    }
    const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    try {
        write_all(answer, work());
    } catch (const std::exception& thrown) {
        std::fprintf(stderr, "uncaught: %s\n", thrown.what());
        ::_exit(1);
    }
    ::_exit(0);
}

/// Takes what there is; false at the end.
[[nodiscard]] bool take(int fd, std::string& text) {
    std::array<char, 65536> piece{};
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got <= 0) {
        return got < 0 && errno == EINTR;
    }
    text.append(piece.data(), static_cast<std::size_t>(got));
    return true;
}

[[nodiscard]] std::string death_of(int status) {
    if (WIFSIGNALED(status)) {
        const char* name = ::sigabbrev_np(WTERMSIG(status));
        return std::string{"the process of this case died by SIG"} +
               (name == nullptr ? "?" : name) + ": the plugin crashed it";
    }
    if (WEXITSTATUS(status) != 0) {
        return "the process of this case ended early with exit code " +
               std::to_string(WEXITSTATUS(status));
    }
    return {};
}

/// Until the child has ended; false where time ran out.
[[nodiscard]] bool listen(int child, int answer, int errors, Steady::time_point end, Said& said) {
    std::array<pollfd, 3> watched{
        pollfd{child, POLLIN, 0}, pollfd{answer, POLLIN, 0}, pollfd{errors, POLLIN, 0}};
    while ((watched[0].revents & POLLIN) == 0 ||
           ((watched[1].revents | watched[2].revents) & POLLIN) != 0) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - Steady::now()).count();
        if (left <= 0) {
            return false;
        }
        if (::poll(watched.data(), watched.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
            return false;
        }
        if (watched[1].revents != 0 && !take(answer, said.text)) {
            watched[1].fd = -1;
        }
        if (watched[2].revents != 0 && !take(errors, said.errors)) {
            watched[2].fd = -1;
        }
        if (said.text.size() > kMostText) {
            said.text.resize(kMostText);
        }
        if (said.errors.size() > kMostErrors) {
            said.errors.erase(0, said.errors.size() - kMostErrors);
        }
    }
    return true;
}

}  // namespace

Said run_apart(std::chrono::seconds patience, const std::function<std::string()>& work) {
    const auto began = Steady::now();
    const Pipe answer = make_pipe();
    const Pipe errors = make_pipe();
    Said said;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        be_child(answer.write, errors.write, parent, work);
    }
    ::close(answer.write);
    ::close(errors.write);
    const int watched = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
    if (child < 0 || watched < 0) {
        said.death = std::string{"no process could be made: "} + std::strerror(errno);
    } else if (!listen(watched, answer.read, errors.read, began + patience, said)) {
        said.death = "it did not end within " + std::to_string(patience.count()) +
                     " s (--timeout) and was killed";
        said.is_late = true;
        ::kill(child, SIGKILL);
    }
    int status = 0;
    if (child > 0 && ::waitpid(child, &status, 0) == child && said.death.empty()) {
        said.death = death_of(status);
    }
    for (const int fd : {answer.read, errors.read, watched}) {
        if (fd >= 0) {
            ::close(fd);
        }
    }
    said.took = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - began);
    return said;
}

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void end_orphans() {
    const std::string list = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    for (;;) {
        std::ifstream children(list);
        bool is_any = false;
        for (pid_t pid = 0; children >> pid;) {
            is_any = true;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        if (!is_any) {
            return;
        }
    }
}

}  // namespace opslab::check
