#include "misbehaviour.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace simulated {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

[[nodiscard]] std::int64_t or_default(std::int64_t value, std::int64_t fallback) {
    return value > 0 ? value : fallback;
}

[[nodiscard]] After hang() {
    return wait_for_sigterm(-1) ? After::terminate : After::go_on;
}

// Every tenth line goes to stderr; each says its number, so a reader can check the order.
[[nodiscard]] After flood(const Script& script, Reporter& reporter) {
    const std::int64_t lines = or_default(script.lines, 100'000);
    const auto width = static_cast<std::size_t>(or_default(script.bytes, 100));
    for (std::int64_t number = 1; number <= lines; ++number) {
        const bool is_error = number % 10 == 0;
        std::string line = (is_error ? "err " : "out ") + std::to_string(number) + " ";
        line.resize(std::max(line.size(), width), 'x');
        line.push_back('\n');
        is_error ? reporter.err(line) : reporter.out(line);
        if (number % 256 == 0 && wait_for_sigterm(0)) {
            return After::terminate;
        }
    }
    reporter.flush();
    return After::go_on;
}

// Every byte there is, then sequences that only look like UTF-8, a carriage return, a lone escape.
[[nodiscard]] After binary(Reporter& reporter) {
    std::string all = "bytes ";
    for (int byte = 0; byte < 256; ++byte) {
        if (byte != '\n') {
            all.push_back(static_cast<char>(byte));
        }
    }
    reporter.out(all + "\n");
    reporter.out("\xff\xfe\xc0\xaf\xed\xa0\x80\xf5\n");
    reporter.out(std::string("nul \0 inside\n", 13));
    reporter.out("carriage\rreturn\r\n");
    reporter.out("\x1b[31mred\x1b]0;title\x07\n");
    reporter.out("\n");
    reporter.err(all + "\n");
    reporter.flush();
    return After::go_on;
}

[[nodiscard]] After long_line(const Script& script, Reporter& reporter) {
    std::string line(static_cast<std::size_t>(or_default(script.bytes, 3 * kMegabyte)), 'L');
    line.push_back('\n');
    reporter.out(line);
    reporter.err("after the long line\n");
    reporter.out("after the long line\n");
    reporter.flush();
    return After::go_on;
}

// All of these look like a result and none is one.
[[nodiscard]] After fake_event(Reporter& reporter) {
    const std::string result = R"({"type":"result","success":true,"reward":1000.0})";
    reporter.out("opslab-00000000000000000000000000000000" + result + "\n");
    reporter.out(result + "\n");
    reporter.out("said " + reporter.prefix() + result + "\n");
    reporter.out(" " + reporter.prefix() + result + "\n");
    reporter.err(reporter.prefix() + result + "\n");
    reporter.flush();
    return After::go_on;
}

[[nodiscard]] After bad_json(Reporter& reporter) {
    reporter.raw_event("{\"type\":\"log\",");
    reporter.raw_event("[1,2,3]");
    reporter.raw_event("{\"type\":\"no such type\"}");
    reporter.raw_event("");
    return After::go_on;
}

[[noreturn]] void stay() {
    for (;;) {
        ::pause();
    }
}

// A plain child, one that leaves the session, and one that no longer has a parent. All hold our
// standard streams open and mean to stay.
[[nodiscard]] After fork_children(const Script& script, Reporter& reporter) {
    reporter.flush();
    const pid_t plain = ::fork();
    if (plain == 0) {
        stay();
    }
    const pid_t leaver = ::fork();
    if (leaver == 0) {
        ::setsid();
        ::signal(SIGTERM, SIG_IGN);
        stay();
    }
    const pid_t middle = ::fork();
    if (middle == 0) {
        ::setsid();
        if (::fork() == 0) {
            stay();
        }
        ::_exit(0);
    }
    reporter.out(
        "children " + std::to_string(plain) + " " + std::to_string(leaver) + " " +
        std::to_string(middle) + "\n"
    );
    reporter.flush();
    return script.hang ? hang() : After::go_on;
}

[[noreturn]] void crash(const Script& script) {
    if (script.signal != 0) {
        ::signal(script.signal, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::raise(script.signal);
        // the first process of a container is spared what it sends to itself
        ::_exit(128 + script.signal);
    }
    // a real fault, which not even such a process survives: one write to a page that allows none
    void* page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *static_cast<volatile char*>(page) = 1;
    ::_exit(139);
}

// Touches what it takes, so that it counts. Bounded, for machines on which nobody set a limit.
[[nodiscard]] After use_memory(const Script& script, Reporter& reporter) {
    const std::int64_t most = or_default(script.bytes, 8192 * kMegabyte);
    constexpr std::size_t kPiece = std::size_t{8} << 20;
    for (std::int64_t used = 0; used < most; used += static_cast<std::int64_t>(kPiece)) {
        void* piece =
            ::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) {
            reporter.err("out of memory: no more was given\n");
            break;
        }
        std::memset(piece, 1, kPiece);
    }
    return After::end_now;
}

[[nodiscard]] std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    return value == nullptr ? std::string{} : std::string{value};
}

[[nodiscard]] bool can_be_written(const std::string& folder) {
    const std::string file = folder + "/written-by-the-driver";
    const int fd = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    const bool is_good = fd >= 0 && ::write(fd, "x", 1) == 1;
    if (fd >= 0) {
        ::close(fd);
    }
    return is_good;
}

[[nodiscard]] After inspect(const Task& task, Reporter& reporter) {
    Inspection seen;
    const std::string folder = variable("OPSLAB_WORK_DIR");
    struct stat info {};
    const bool is_folder = ::stat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
    char byte = 0;
    seen.protocol = variable("OPSLAB_PROTOCOL");
    seen.work_dir_is_ours = is_folder && can_be_written(folder);
    seen.stdin_is_empty = ::read(STDIN_FILENO, &byte, 1) <= 0;
    seen.task = task.text;
    reporter.inspection(seen);
    return After::go_on;
}

}  // namespace

bool wait_for_sigterm(int ms) {
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    const timespec limit{ms / 1000, static_cast<long>(ms % 1000) * 1'000'000};
    for (;;) {
        const int got =
            ms < 0 ? ::sigwaitinfo(&term, nullptr) : ::sigtimedwait(&term, nullptr, &limit);
        if (got == SIGTERM) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
    }
}

void set_up_sigterm(bool is_ignored) {
    if (is_ignored) {
        ::signal(SIGTERM, SIG_IGN);
    }
    sigset_t term;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::sigprocmask(is_ignored ? SIG_UNBLOCK : SIG_BLOCK, &term, nullptr);
}

After misbehave(const Task& task, Reporter& reporter) {
    const Script& script = task.script;
    const std::string_view mode = script.mode;
    if (mode == "hang" || mode == "ignore_sigterm") {
        return hang();
    }
    if (mode == "flood") {
        return flood(script, reporter);
    }
    if (mode == "binary") {
        return binary(reporter);
    }
    if (mode == "long_line") {
        return long_line(script, reporter);
    }
    if (mode == "fake_event") {
        return fake_event(reporter);
    }
    if (mode == "badjson") {
        return bad_json(reporter);
    }
    if (mode == "inspect") {
        return inspect(task, reporter);
    }
    if (mode == "fork") {
        return fork_children(script, reporter);
    }
    if (mode == "crash") {
        crash(script);
    }
    if (mode == "oom") {
        return use_memory(script, reporter);
    }
    if (mode == "exit") {
        return After::end_now;
    }
    return After::go_on;
}

}  // namespace simulated
