#include <opslab/exec/directory_names.hpp>

#include <filesystem>
#include <system_error>

namespace opslab::exec {

RunnerResult<std::vector<std::string>> names_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code failed;
    std::filesystem::directory_iterator entry(directory, failed);
    while (!failed && entry != std::filesystem::directory_iterator{}) {
        names.push_back(entry->path().filename().string());
        entry.increment(failed);
    }
    if (failed && failed != std::errc::no_such_file_or_directory) {
        return runner_fail(
            RunnerErrc::infrastructure, "cannot list \"" + directory + "\": " + failed.message()
        );
    }
    return names;
}

}  // namespace opslab::exec
