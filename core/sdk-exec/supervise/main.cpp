// opslab-supervise OPEN_FILES MEMORY_BYTES DIRECTORY PROGRAM ARGV0 [ARGUMENT...]
//
// Started by opslab for each run, with the driver's own standard descriptors and environment, and
// one end of a control socket as descriptor 3, and what interrupts the start as descriptor 4, if
// there is such. It starts the driver in a session of its own and
// ends when the driver and all that descends from it are gone. When opslab dies, however, the
// socket ends, and everything is killed. (A parent-death signal from opslab would not do: that one
// fires when the *thread* that started the child ends.)
#include "family.hpp"
#include "supervise_protocol.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

using opslab::supervise::FailedAt;
using opslab::supervise::Family;
using opslab::supervise::kControlFd;
using opslab::supervise::kInterruptFd;
using opslab::supervise::Packet;
using opslab::supervise::Word;

struct Launch {
    rlim_t open_files = 0;
    rlim_t memory = 0;  // 0: no limit
    const char* directory = nullptr;
    const char* program = nullptr;
    char** arguments = nullptr;
};

void tell(Word word, int a, int b) {
    const Packet packet{word, a, b};
    // opslab may be gone; the driver's end is then nobody's business
    static_cast<void>(::send(kControlFd, &packet, sizeof packet, MSG_NOSIGNAL));
}

[[nodiscard]] bool limit(__rlimit_resource_t what, rlim_t value) {
    rlimit now{};
    ::getrlimit(what, &now);
    if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max) {
        value = now.rlim_max;
    }
    const rlimit wanted{value, value};
    return ::setrlimit(what, &wanted) == 0;
}

// The kernel, short of memory, shall kill a driver and not the coordinator.
void volunteer_for_oom() {
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        static_cast<void>(!::write(file, "500", 3));
        ::close(file);
    }
}

[[noreturn]] void give_up(int report, FailedAt at) {
    const Packet packet{Word::failed, errno, static_cast<int>(at)};
    static_cast<void>(!::write(report, &packet, sizeof packet));
    ::_exit(127);
}

[[noreturn]] void become_driver(const Launch& launch, pid_t supervisor, int report) {
    ::setsid();
    // the supervisor has one thread, so here the parent-death signal means what it says
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != supervisor) {
        give_up(report, FailedAt::set_up);
    }
    // a descendant with another user's rights could not be killed when the run ends
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        give_up(report, FailedAt::set_up);
    }
    volunteer_for_oom();
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, launch.open_files) ||
        (launch.memory != 0 && !limit(RLIMIT_AS, launch.memory))) {
        give_up(report, FailedAt::limits);
    }
    if (::chdir(launch.directory) != 0) {
        give_up(report, FailedAt::directory);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(launch.program, launch.arguments);
    give_up(report, FailedAt::exec);
}

// The driver's pipes must end with the driver, so the supervisor lets go of them.
void let_go_of_output() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
    ::close(null);
}

// The driver's pid, or 0 after having told why there is none.
[[nodiscard]] pid_t launch_driver(const Launch& launch) {
    int report[2] = {-1, -1};
    const pid_t supervisor = ::getpid();
    const pid_t child = ::pipe2(report, O_CLOEXEC) == 0 ? ::fork() : -1;
    if (child < 0) {
        tell(Word::failed, errno, static_cast<int>(FailedAt::fork));
        return 0;
    }
    if (child == 0) {
        become_driver(launch, supervisor, report[1]);
    }
    ::close(report[1]);
    let_go_of_output();
    Packet packet;
    // the pipe closes itself when exec succeeds
    const ssize_t got = ::read(report[0], &packet, sizeof packet);
    ::close(report[0]);
    if (got == static_cast<ssize_t>(sizeof packet)) {
        ::waitpid(child, nullptr, 0);
        tell(packet.word, packet.a, packet.b);
        return 0;
    }
    tell(Word::started, child, 0);
    return child;
}

// What a process was started with can be read in /proc as long as it lives, by a driver of the same
// user too: keys of the operator's that this run, or another, is not to see. What it is found by
// after a crash stays.
void forget_environment() {
    for (char** entry = environ; *entry != nullptr; ++entry) {
        char* value = std::strchr(*entry, '=');
        if (value != nullptr && std::strncmp(*entry, "OPSLAB_", 7) != 0) {
            ::explicit_bzero(value, std::strlen(value));
        }
    }
}

// True: kill everything now.
[[nodiscard]] bool obey(const Family& family) {
    Packet packet;
    const ssize_t got = ::recv(kControlFd, &packet, sizeof packet, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (got != static_cast<ssize_t>(sizeof packet) || packet.word == Word::kill) {
        return true;
    }
    if (packet.word == Word::terminate) {
        family.terminate();
    }
    return false;
}

// True where SIGTERM came: a successor of a dead opslab asks to end it all.
[[nodiscard]] bool read_signals(int signals) {
    signalfd_siginfo info{};
    bool is_asked = false;
    while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        is_asked = is_asked || info.ssi_signo == SIGTERM;
    }
    return is_asked;
}

void supervise(const Family& family, int signals) {
    for (;;) {
        if (family.reap_until_leader_ended()) {
            return;
        }
        pollfd waits[2] = {{kControlFd, POLLIN, 0}, {signals, POLLIN, 0}};
        if (::poll(waits, 2, -1) < 0) {
            continue;
        }
        if (waits[1].revents != 0 && read_signals(signals)) {
            return;
        }
        if (waits[0].revents != 0 && obey(family)) {
            return;
        }
    }
}

// True where opslab gave up, or died, before anything began; also where it stood still until the
// run might not begin any more, and goes on. (A descriptor that is not there has another event.)
[[nodiscard]] bool is_given_up() {
    pollfd waits[2] = {{kControlFd, POLLIN, 0}, {kInterruptFd, POLLIN, 0}};
    ::poll(waits, 2, 0);
    const bool interrupted = (waits[1].revents & POLLIN) != 0;
    ::close(kInterruptFd);
    return waits[0].revents != 0 || interrupted;
}

[[nodiscard]] int block_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t heard;
    ::sigemptyset(&heard);
    ::sigaddset(&heard, SIGCHLD);
    ::sigaddset(&heard, SIGTERM);
    return ::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

int main(int argc, char** argv) {
    // until its environment is forgotten nobody looks into this process; an exec undoes it
    if (argc < 6 || ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC) != 0 ||
        ::prctl(PR_SET_DUMPABLE, 0) != 0) {
        return 2;
    }
    Launch launch;
    launch.open_files = std::strtoull(argv[1], nullptr, 10);
    launch.memory = std::strtoull(argv[2], nullptr, 10);
    launch.directory = argv[3];
    launch.program = argv[4];
    launch.arguments = argv + 5;
    const int signals = block_signals();
    if (signals < 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        tell(Word::failed, errno, static_cast<int>(FailedAt::set_up));
        return 1;
    }
    if (is_given_up()) {
        return 1;
    }
    const pid_t leader = launch_driver(launch);
    if (leader == 0) {
        return 1;
    }
    forget_environment();
    ::prctl(PR_SET_DUMPABLE, 1);
    const Family family(leader);
    supervise(family, signals);
    const int status = family.kill_all();
    if (WIFSIGNALED(status)) {
        tell(Word::ended, WTERMSIG(status), 1);
    } else {
        tell(Word::ended, WEXITSTATUS(status), 0);
    }
    return 0;
}
