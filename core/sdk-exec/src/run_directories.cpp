#include "run_directories.hpp"

#include <opslab/exec/directory_names.hpp>
#include <opslab/exec/task_file.hpp>
#include <opslab/exec/tree_removal.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace opslab::exec {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestWorker = 200;
constexpr std::size_t kLongestRun = 64;

[[nodiscard]] bool is_of(std::string_view text, std::string_view extra, char last_letter) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= last_letter) || (c >= '0' && c <= '9') ||
               extra.find(c) != std::string_view::npos;
    });
}

[[nodiscard]] bool is_worker(std::string_view text) {
    return !text.empty() && text.size() <= kLongestWorker && is_of(text, "-", 'z');
}

// A first character that is no dot rules out "." and "..".
[[nodiscard]] bool is_run(std::string_view text) {
    return !text.empty() && text.size() <= kLongestRun && text.front() != '.' &&
           is_of(text, ".-", 'f');
}

[[nodiscard]] std::string handle_start(const std::string& runner) {
    return runner + ":1:";
}

[[nodiscard]] tl::unexpected<RunnerError> cannot_make(const std::string& path, int error) {
    return runner_fail(
        RunnerErrc::infrastructure, "cannot make \"" + path + "\": " + std::strerror(error)
    );
}

}  // namespace

RunnerResult<RunName> run_name(std::string_view worker, std::string_view run) {
    if (!is_worker(worker)) {
        return runner_fail(
            RunnerErrc::invalid, "worker id \"" + std::string(worker) + "\" is malformed"
        );
    }
    if (!is_run(run)) {
        return runner_fail(RunnerErrc::invalid, "run id \"" + std::string(run) + "\" is malformed");
    }
    return RunName{std::string(worker), std::string(run)};
}

RunHandle to_handle(const std::string& runner, const RunName& name) {
    return RunHandle{handle_start(runner) + name.worker + ":" + name.run};
}

RunnerResult<RunName> from_handle(const std::string& runner, const RunHandle& handle) {
    const std::string start = handle_start(runner);
    std::string_view text = handle.text;
    const std::size_t colon = text.rfind(':');
    if (!text.starts_with(start) || colon < start.size()) {
        return runner_fail(RunnerErrc::invalid, "not a handle of this runner");
    }
    return run_name(text.substr(start.size(), colon - start.size()), text.substr(colon + 1));
}

RunnerStatus RunDirectories::make_root() const {
    std::error_code failed;
    fs::create_directories(fs::path(root_).parent_path(), failed);
    if (failed) {
        return cannot_make(root_, failed.value());
    }
    if (::mkdir(root_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return cannot_make(root_, errno);
    }
    return {};
}

RunnerStatus RunDirectories::make(const RunName& name) const {
    if (auto made = make_root(); !made) {
        return made;
    }
    const std::string worker = root_ + "/" + name.worker;
    if (::mkdir(worker.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        return cannot_make(worker, errno);
    }
    const std::string directory = run(name);
    if (::mkdir(directory.c_str(), S_IRWXU) != 0) {
        if (errno == EEXIST) {
            return runner_fail(RunnerErrc::invalid, "run \"" + name.run + "\" exists already");
        }
        return cannot_make(directory, errno);
    }
    if (::mkdir(work(name).c_str(), S_IRWXU) != 0) {
        const int error = errno;
        static_cast<void>(remove(name));  // the first failure is the one to tell
        return cannot_make(work(name), error);
    }
    return {};
}

bool RunDirectories::exists(const RunName& name) const {
    struct stat info {};
    return ::lstat(run(name).c_str(), &info) == 0;
}

RunnerStatus RunDirectories::remove(const RunName& name) const {
    return remove_tree(run(name));
}

std::string RunDirectories::run(const RunName& name) const {
    return root_ + "/" + name.worker + "/" + name.run;
}

std::string RunDirectories::task_file(const RunName& name) const {
    return run(name) + "/task.json";
}

RunnerStatus RunDirectories::record(const RunName& name, const ProcessIdentity& supervisor) const {
    // A half-written record reads as none, and then the look for marked processes does the work.
    return write_private_file(run(name) + "/record", to_text(supervisor));
}

std::optional<ProcessIdentity> RunDirectories::recorded(const RunName& name) const {
    std::ifstream file(run(name) + "/record");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    return identity_from_text(text);
}

RunnerResult<std::vector<RunName>> RunDirectories::list(const std::string& worker) const {
    if (!is_worker(worker)) {
        return runner_fail(RunnerErrc::invalid, "worker id \"" + worker + "\" is malformed");
    }
    const auto names = names_in(root_ + "/" + worker);
    if (!names) {
        return tl::unexpected(names.error());
    }
    std::vector<RunName> runs;
    for (const std::string& name : *names) {
        // what is no run's name is no run's directory
        if (auto run = run_name(worker, name)) {
            runs.push_back(std::move(*run));
        }
    }
    return runs;
}

}  // namespace opslab::exec
