#include "check/leftovers.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace opslab::check {
namespace {

namespace fs = std::filesystem;

[[nodiscard]] std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    // not by iterators: they throw where the process ends meanwhile
    bytes << file.rdbuf();
    return bytes.str();
}

void find_processes(const std::string& run_id, std::vector<std::string>& found) {
    std::error_code error;
    for (fs::directory_iterator at{"/proc", error}, end; !error && at != end; at.increment(error)) {
        const std::string pid = at->path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos ||
            pid == std::to_string(::getpid())) {
            continue;
        }
        if (bytes_of(at->path() / "environ").find(run_id) != std::string::npos ||
            bytes_of(at->path() / "cmdline").find(run_id) != std::string::npos) {
            found.push_back("process " + pid);
        }
    }
}

void find_files(
    const std::string& state_dir, const std::string& run_id, std::vector<std::string>& found
) {
    std::error_code error;
    for (fs::recursive_directory_iterator at{state_dir, error}, end; !error && at != end;
         at.increment(error)) {
        if (at->path().string().find(run_id) != std::string::npos) {
            found.push_back(at->path().string());
        }
    }
}

[[nodiscard]] std::string output_of(std::array<std::string, 3> words) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::runtime_error("no pipe");
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t child = -1;
    const int failed =
        ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t got = 1; failed == 0 && got != 0;) {
        got = ::read(ends[0], piece.data(), piece.size());
        if (got < 0 && errno != EINTR) {
            break;
        }
        text.append(piece.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    ::close(ends[0]);
    int status = 1;
    if (failed == 0) {
        ::waitpid(child, &status, 0);
    }
    if (failed != 0 || status != 0) {
        // a look that cannot be had must not pass for a clean house
        throw std::runtime_error("the --leftovers program failed: " + words[0]);
    }
    return text;
}

}  // namespace

std::vector<std::string> leftovers_of(
    const std::string& program, const std::string& state_dir, const std::string& run_id
) {
    std::vector<std::string> found;
    find_processes(run_id, found);
    find_files(state_dir, run_id, found);
    if (!program.empty()) {
        std::istringstream lines(output_of({program, run_id, state_dir}));
        for (std::string line; std::getline(lines, line);) {
            found.push_back(line);
        }
    }
    return found;
}

}  // namespace opslab::check
