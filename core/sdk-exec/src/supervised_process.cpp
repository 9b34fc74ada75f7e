#include "supervise_protocol.hpp"

#include <opslab/exec/process_identity.hpp>
#include <opslab/exec/supervised_process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace opslab::exec {
namespace {

using supervise::FailedAt;
using supervise::kControlFd;
using supervise::kInterruptFd;
using supervise::Packet;
using supervise::Word;

constexpr std::chrono::milliseconds kDeathWait{10'000};

[[nodiscard]] tl::unexpected<RunnerError> failed_with(std::string_view what, int error) {
    return runner_fail(RunnerErrc::infrastructure, std::string(what) + ": " + std::strerror(error));
}

// Ours are kept above the child's 0 to 4, so that no dup2 there runs over one not yet copied.
[[nodiscard]] UniqueFd copied_above(int fd) {
    return UniqueFd(fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, kInterruptFd + 1));
}

[[nodiscard]] UniqueFd lifted(int fd) {
    UniqueFd owned(fd);
    return fd > kInterruptFd ? std::move(owned) : copied_above(fd);
}

struct Pair {
    UniqueFd ours{};
    UniqueFd theirs{};
};

[[nodiscard]] Pair make_pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return {};
    }
    return {lifted(ends[0]), lifted(ends[1])};
}

[[nodiscard]] Pair make_control() {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return {};
    }
    return {lifted(ends[0]), lifted(ends[1])};
}

class SpawnActions {
public:
    SpawnActions() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    ~SpawnActions() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }

    /// 0 or an errno. `closefrom` also ends descriptors that some library forgot to mark.
    [[nodiscard]] int prepare(int out, int err, int control, int interrupt) {
        sigset_t all;
        ::sigfillset(&all);
        sigset_t none;
        ::sigemptyset(&none);
        const std::array<int, 9> results{
            ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0),
            ::posix_spawn_file_actions_adddup2(&actions_, out, 1),
            ::posix_spawn_file_actions_adddup2(&actions_, err, 2),
            ::posix_spawn_file_actions_adddup2(&actions_, control, kControlFd),
            interrupt < 0 ? 0
                          : ::posix_spawn_file_actions_adddup2(&actions_, interrupt, kInterruptFd),
            ::posix_spawn_file_actions_addclosefrom_np(
                &actions_, (interrupt < 0 ? kControlFd : kInterruptFd) + 1
            ),
            ::posix_spawnattr_setsigdefault(&attributes_, &all),
            ::posix_spawnattr_setsigmask(&attributes_, &none),
            ::posix_spawnattr_setflags(
                &attributes_,
                static_cast<short>(
                    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID
                )
            )};
        for (const int result : results) {
            if (result != 0) {
                return result;
            }
        }
        return 0;
    }

    [[nodiscard]] int spawn(
        pid_t& pid, const std::string& program, std::vector<char*>& argv, std::vector<char*>& envp
    ) {
        return ::posix_spawn(
            &pid, program.c_str(), &actions_, &attributes_, argv.data(), envp.data()
        );
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

[[nodiscard]] std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

[[nodiscard]] std::optional<Packet> receive(int control, int flags) {
    Packet packet;
    const ssize_t got = ::recv(control, &packet, sizeof packet, flags);
    if (got != static_cast<ssize_t>(sizeof packet)) {
        return std::nullopt;
    }
    return packet;
}

[[nodiscard]] tl::unexpected<RunnerError> not_started(const ProcessSpec& spec, const Packet& said) {
    switch (static_cast<FailedAt>(said.b)) {
        case FailedAt::exec:
            return failed_with("cannot run \"" + spec.program + "\"", said.a);
        case FailedAt::directory:
            return failed_with("cannot enter \"" + spec.directory + "\"", said.a);
        case FailedAt::limits:
            return failed_with("cannot set the limits of \"" + spec.program + "\"", said.a);
        case FailedAt::fork:
        case FailedAt::set_up:
            break;
    }
    return failed_with("cannot start a process for \"" + spec.program + "\"", said.a);
}

void send_word(int control, Word word) {
    const Packet packet{word, 0, 0};
    static_cast<void>(::send(control, &packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

RunnerResult<std::unique_ptr<SupervisedProcess>> SupervisedProcess::spawn(
    const ProcessSpec& spec, Interrupt interrupt
) {
    std::unique_ptr<SupervisedProcess> process(new SupervisedProcess());
    if (auto launched = process->launch(spec, interrupt); !launched) {
        return tl::unexpected(launched.error());
    }
    if (auto started = process->await_start(spec, interrupt); !started) {
        return tl::unexpected(started.error());  // the destructor kills what there is
    }
    return process;
}

RunnerStatus SupervisedProcess::launch(const ProcessSpec& spec, Interrupt interrupt) {
    Pair control = make_control();
    Pair out = make_pipe();
    Pair err = make_pipe();
    if (!control.ours || !control.theirs || !out.ours || !out.theirs || !err.ours || !err.theirs) {
        return failed_with("cannot make pipes for \"" + spec.program + "\"", errno);
    }
    std::vector<std::string> words{
        spec.supervisor,
        std::to_string(spec.open_files),
        std::to_string(spec.memory_bytes),
        spec.directory,
        spec.program};
    words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
    std::vector<std::string> environment = spec.environment;
    std::vector<char*> argv = pointers_to(words);
    std::vector<char*> envp = pointers_to(environment);
    const UniqueFd interrupted = copied_above(interrupt.fd);
    SpawnActions actions;
    if (const int failed = actions.prepare(
            out.theirs.get(), err.theirs.get(), control.theirs.get(), interrupted.get()
        )) {
        return failed_with("cannot start a process", failed);
    }
    if (const int failed = actions.spawn(supervisor_, spec.supervisor, argv, envp)) {
        supervisor_ = 0;
        return failed_with("cannot run \"" + spec.supervisor + "\"", failed);
    }
    control_ = std::move(control.ours);
    out_ = std::move(out.ours);
    err_ = std::move(err.ours);
    // our child, and nobody else waits for it: the pid is still its own
    pidfd_ = open_pidfd(supervisor_);
    if (!pidfd_) {
        return failed_with("cannot watch the process of \"" + spec.program + "\"", errno);
    }
    return {};
}

RunnerStatus SupervisedProcess::await_start(const ProcessSpec& spec, Interrupt interrupt) {
    std::array<pollfd, 2> waits{{{control_.get(), POLLIN, 0}, {interrupt.fd, POLLIN, 0}}};
    for (;;) {
        if (::poll(waits.data(), waits.size(), -1) < 0) {
            continue;  // a signal
        }
        if (waits[1].revents != 0) {
            return runner_fail(RunnerErrc::interrupted, "the start was interrupted");
        }
        break;
    }
    const std::optional<Packet> said = receive(control_.get(), 0);
    if (!said) {
        return runner_fail(
            RunnerErrc::infrastructure, "the supervisor of \"" + spec.program + "\" broke off"
        );
    }
    if (said->word == Word::failed) {
        return not_started(spec, *said);
    }
    program_ = said->a;
    return {};
}

SupervisedProcess::~SupervisedProcess() {
    if (supervisor_ == 0) {
        return;
    }
    out_.reset();
    err_.reset();
    control_.reset();  // the supervisor takes it as our death
    if (pidfd_) {
        if (!wait_ended(kDeathWait)) {
            signal_pidfd(pidfd_.get(), SIGKILL);
        }
        // closing the pidfd of a process in an endless system call leaves a zombie, not a hang
        siginfo_t info{};
        static_cast<void>(::waitid(
            static_cast<idtype_t>(P_PIDFD),
            static_cast<id_t>(pidfd_.get()),
            &info,
            WEXITED | WNOHANG
        ));
        return;
    }
    ::waitpid(supervisor_, nullptr, 0);
}

void SupervisedProcess::terminate() {
    send_word(control_.get(), Word::terminate);
}

void SupervisedProcess::kill_all() {
    send_word(control_.get(), Word::kill);
}

bool SupervisedProcess::wait_ended(std::chrono::milliseconds timeout) const {
    return wait_pidfd(pidfd_.get(), static_cast<int>(timeout.count()));
}

void SupervisedProcess::hear_end() {
    const std::lock_guard lock(mutex_);
    if (is_heard_) {
        return;
    }
    is_heard_ = true;
    while (const auto said = receive(control_.get(), MSG_DONTWAIT)) {
        if (said->word == Word::ended) {
            const EndKind how = said->b == 0 ? EndKind::exited : EndKind::signalled;
            end_ = RunEnd{how, said->a};
        }
    }
}

RunEnd SupervisedProcess::end() {
    hear_end();
    const std::lock_guard lock(mutex_);
    return end_.value_or(RunEnd{EndKind::signalled, SIGKILL});
}

bool SupervisedProcess::is_all_gone() {
    hear_end();
    const std::lock_guard lock(mutex_);
    return end_.has_value();
}

}  // namespace opslab::exec
