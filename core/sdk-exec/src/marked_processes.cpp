#include "directory.hpp"

#include <opslab/exec/marked_processes.hpp>
#include <opslab/exec/process_identity.hpp>
#include <opslab/exec/unique_fd.hpp>

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <vector>

namespace opslab::exec {
namespace {

constexpr int kRounds = 50;
constexpr int kDeathMs = 200;
constexpr std::size_t kMostEnvironment = std::size_t{4} << 20;

[[nodiscard]] std::vector<pid_t> all_pids() {
    std::vector<pid_t> pids;
    const Directory dir(::opendir("/proc"));
    if (dir == nullptr) {
        return pids;
    }
    // readdir of one's own DIR is safe from any thread
    while (const dirent* entry = ::readdir(dir.get())) {  // NOLINT(concurrency-mt-unsafe)
        const std::size_t size = std::strlen(entry->d_name);
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(entry->d_name, entry->d_name + size, pid);
        if (error == std::errc{} && end == entry->d_name + size) {
            pids.push_back(pid);
        }
    }
    return pids;
}

[[nodiscard]] std::string environment_of(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/environ";
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::string piece(std::size_t{16} * 1024, '\0');
    while (file && text.size() < kMostEnvironment) {
        const ssize_t got = ::read(file.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        text.append(piece, 0, static_cast<std::size_t>(got));
    }
    return text;
}

[[nodiscard]] bool is_marked(pid_t pid, const std::vector<std::string>& entries) {
    const std::string environment = environment_of(pid);
    const std::string_view text = environment;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = text.find('\0', at);
        end = end == std::string_view::npos ? text.size() : end;
        const std::string_view entry = text.substr(at, end - at);
        if (std::find(entries.begin(), entries.end(), entry) != entries.end()) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

// Kills all that are marked now; how many there were.
[[nodiscard]] int kill_round(const std::vector<std::string>& entries) {
    std::vector<UniqueFd> dying;
    for (const pid_t pid : all_pids()) {
        if (pid == ::getpid() || !is_marked(pid, entries)) {
            continue;
        }
        UniqueFd pidfd = open_pidfd(pid);
        if (pidfd && is_marked(pid, entries)) {
            signal_pidfd(pidfd.get(), SIGKILL);
            dying.push_back(std::move(pidfd));
        }
    }
    for (const UniqueFd& pidfd : dying) {
        static_cast<void>(wait_pidfd(pidfd.get(), kDeathMs));
    }
    return static_cast<int>(dying.size());
}

}  // namespace

RunnerStatus kill_marked(std::string_view entry) {
    return kill_all_marked({std::string(entry)});
}

RunnerStatus kill_all_marked(const std::vector<std::string>& entries) {
    for (int round = 0; round < kRounds && !entries.empty(); ++round) {
        if (kill_round(entries) == 0) {
            return {};
        }
    }
    if (entries.empty()) {
        return {};
    }
    return runner_fail(
        RunnerErrc::infrastructure,
        "processes of the run do not die: " + entries.front() +
            (entries.size() > 1 ? " and others" : "")
    );
}

}  // namespace opslab::exec
