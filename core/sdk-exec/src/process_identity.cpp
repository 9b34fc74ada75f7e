#include <opslab/exec/process_identity.hpp>

#include <poll.h>
#include <sys/syscall.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <vector>

namespace opslab::exec {
namespace {

[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(" \n", at)) != std::string_view::npos) {
        const std::size_t end = text.find_first_of(" \n", at);
        words.push_back(text.substr(at, end - at));
        at = end == std::string_view::npos ? text.size() : end;
    }
    return words;
}

template <class Number>
[[nodiscard]] std::optional<Number> number_from(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

[[nodiscard]] std::string read_small(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    // not by iterators: they throw where the process ends between open and read (ESRCH)
    text << file.rdbuf();
    return text.str();
}

[[nodiscard]] std::string boot_id() {
    const std::string text = read_small("/proc/sys/kernel/random/boot_id");
    return text.substr(0, text.find('\n'));
}

}  // namespace

std::optional<ProcessIdentity> identify(pid_t pid) {
    const std::string stat = read_small("/proc/" + std::to_string(pid) + "/stat");
    // the second field is the program's name in parentheses and may hold anything, ')' too
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) {
        return std::nullopt;
    }
    const auto fields = words_of(std::string_view(stat).substr(name_end + 1));  // from field 3 on
    constexpr std::size_t kStartTime = 22 - 3;
    if (fields.size() <= kStartTime) {
        return std::nullopt;
    }
    const auto ticks = number_from<std::uint64_t>(fields[kStartTime]);
    if (!ticks) {
        return std::nullopt;
    }
    return ProcessIdentity{pid, *ticks, boot_id()};
}

UniqueFd open_process(const ProcessIdentity& identity) {
    if (identity.pid <= 1) {
        return {};
    }
    UniqueFd pidfd = open_pidfd(identity.pid);
    // looked at after opening: from here on the descriptor cannot come to mean another process
    if (!pidfd || identify(identity.pid) != identity) {
        return {};
    }
    return pidfd;
}

std::string to_text(const ProcessIdentity& identity) {
    return "process " + std::to_string(identity.pid) + " " + std::to_string(identity.start_ticks) +
           " " + identity.boot_id + "\n";
}

std::optional<ProcessIdentity> identity_from_text(std::string_view text) {
    const auto words = words_of(text);
    if (words.size() != 4 || words[0] != "process") {
        return std::nullopt;
    }
    const auto pid = number_from<pid_t>(words[1]);
    const auto ticks = number_from<std::uint64_t>(words[2]);
    if (!pid || !ticks) {
        return std::nullopt;
    }
    return ProcessIdentity{*pid, *ticks, std::string(words[3])};
}

UniqueFd open_pidfd(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void signal_pidfd(int pidfd, int signal) {
    static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

bool wait_pidfd(int pidfd, int timeout_ms) {
    using std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
        pollfd entry{pidfd, POLLIN, 0};
        const int ready = ::poll(&entry, 1, timeout_ms);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
        if (timeout_ms >= 0) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
            timeout_ms = left.count() > 0 ? static_cast<int>(left.count()) : 0;
        }
    }
}

}  // namespace opslab::exec
