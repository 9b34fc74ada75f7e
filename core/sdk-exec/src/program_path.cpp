#include <opslab/exec/program_path.hpp>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace opslab::exec {
namespace {

enum class Found { no, not_executable, yes };

[[nodiscard]] Found look_at(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return Found::no;
    }
    const bool runs = S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
    return runs ? Found::yes : Found::not_executable;
}

[[nodiscard]] tl::unexpected<RunnerError> not_executable(const std::string& path) {
    return runner_fail(
        RunnerErrc::infrastructure, "command \"" + path + "\" is not an executable file"
    );
}

[[nodiscard]] RunnerResult<std::string> at_path(const std::string& program) {
    std::error_code failed;
    std::string path = std::filesystem::absolute(program, failed).string();
    const Found found = failed ? Found::no : look_at(path);
    if (found == Found::no) {
        return runner_fail(RunnerErrc::infrastructure, "command \"" + program + "\" was not found");
    }
    if (found == Found::not_executable) {
        return not_executable(program);
    }
    return path;
}

}  // namespace

std::string own_directory() {
    std::error_code failed;
    return std::filesystem::read_symlink("/proc/self/exe", failed).parent_path().string();
}

RunnerResult<std::string> find_program(
    const std::string& program, std::string_view path, const std::string& beside
) {
    if (program.find('/') != std::string::npos) {
        return at_path(program);
    }
    std::string unusable;
    std::string directory = beside;
    for (;;) {
        if (directory.starts_with('/')) {
            std::string candidate = directory + "/" + program;
            const Found found = look_at(candidate);
            if (found == Found::yes) {
                return candidate;
            }
            if (found == Found::not_executable && unusable.empty()) {
                unusable = std::move(candidate);
            }
        }
        if (path.empty()) {
            break;
        }
        const std::size_t colon = path.find(':');
        directory = std::string(path.substr(0, colon));
        path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
    }
    if (!unusable.empty()) {
        return not_executable(unusable);
    }
    return runner_fail(
        RunnerErrc::infrastructure,
        "command \"" + program + "\" was not found, neither on PATH nor beside the executable"
    );
}

std::string installed_supervisor() {
    std::vector<std::filesystem::path> candidates;
    Dl_info info{};
    static const char kHere = 0;
    std::error_code failed;
    if (::dladdr(&kHere, &info) != 0 && info.dli_fname != nullptr) {
        const auto library = std::filesystem::absolute(info.dli_fname, failed);
        candidates.push_back(library.parent_path().parent_path() / "opslab-supervise");
    }
    // a plugin of somebody else stands elsewhere, but it is opslab (or its check) that loaded it
    const std::filesystem::path own{own_directory()};
    candidates.push_back((own / "../lib/opslab/opslab-supervise").lexically_normal());
    candidates.push_back(own / "opslab-supervise");
    // linked into a test of its author: of the opslab that a shell would start
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): read, never set
    if (const auto opslab = find_program("opslab", path == nullptr ? "" : path, "")) {
        const std::filesystem::path program = std::filesystem::weakly_canonical(*opslab, failed);
        candidates.push_back(
            (program.parent_path() / "../lib/opslab/opslab-supervise").lexically_normal()
        );
    }
    for (const auto& candidate : candidates) {
        if (look_at(candidate.string()) == Found::yes) {
            return candidate.string();
        }
    }
    return candidates.front().string();
}

}  // namespace opslab::exec
