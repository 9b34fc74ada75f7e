#pragma once

#include <opslab/error.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// The project that `opslab plugin new` writes: examples/runner-hello, as it was at the build,
/// under another name.
namespace opslab::cli {

struct ProjectFile {
    std::string path{};  ///< relative, with forward slashes
    std::string text{};
    bool is_program = false;
};

/// Whether a runner may be called that: a letter, then letters, digits and single hyphens between
/// them, all lower case, at most 32 (it becomes a `backend_type`, a file and a class). Fails:
/// `invalid_argument`, saying what is wrong.
[[nodiscard]] Status check_runner_name(std::string_view name);

/// The files of the example as the runner `name`, which has passed check_runner_name.
[[nodiscard]] std::vector<ProjectFile> runner_project(std::string_view name);

/// Writes all files or none: into a folder beside `folder`, which then takes its place. Fails:
/// `conflict` where `folder` is there and not empty, `unavailable` where it cannot be written.
[[nodiscard]] Status write_project(
    const std::filesystem::path& folder, const std::vector<ProjectFile>& files
);

}  // namespace opslab::cli
