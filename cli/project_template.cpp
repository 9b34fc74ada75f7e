#include "project_template.hpp"

#include "CMakeLists_txt.hpp"
#include "README_md.hpp"
#include "hello_runner_cpp.hpp"
#include "no_driver_yaml.hpp"
#include "opslab_yaml.hpp"
#include "run_a_task.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace opslab::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 32;

[[nodiscard]] bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

[[nodiscard]] bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

[[nodiscard]] char upper(char c) {
    return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

/// The name as the example's places need it, each found by how the example spells its own.
struct Spellings {
    std::string plain{};   ///< hello: the plugin, files
    std::string snake{};   ///< hello_runner: the source file
    std::string pascal{};  ///< HelloRunner: the class
    std::string shout{};   ///< HELLO_: macros and variables
};

[[nodiscard]] Spellings spellings_of(std::string_view name) {
    Spellings spelt{std::string(name), std::string(name), "", ""};
    std::replace(spelt.snake.begin(), spelt.snake.end(), '-', '_');
    bool begins = true;
    for (const char c : spelt.snake) {
        spelt.shout.push_back(upper(c));
        if (c != '_') {
            spelt.pascal.push_back(begins ? upper(c) : c);
        }
        begins = c == '_';
    }
    return spelt;
}

[[nodiscard]] std::string replaced(std::string text, std::string_view from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

[[nodiscard]] std::string renamed(std::string_view text, const Spellings& name) {
    // the longer ones first: `hello` is within them
    std::string done = replaced(std::string(text), "hello_runner", name.snake + "_runner");
    done = replaced(std::move(done), "HelloRunner", name.pascal + "Runner");
    done = replaced(std::move(done), "HELLO_", name.shout + "_");
    return replaced(std::move(done), "hello", name.plain);
}

[[nodiscard]] Error unwritable(const fs::path& path, const std::string& why) {
    return Error{
        .code = Errc::unavailable, .message = "cannot write " + path.string() + ": " + why};
}

[[nodiscard]] Status write_file(const fs::path& path, const ProjectFile& file) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    out << file.text;
    out.close();
    if (!out) {
        return fail(unwritable(path, "the folder cannot be written, or the disk is full"));
    }
    if (file.is_program) {
        using fs::perms;
        fs::permissions(
            path,
            perms::owner_exec | perms::group_exec | perms::others_exec,
            fs::perm_options::add,
            error
        );
    }
    return error ? Status{tl::unexpect, unwritable(path, error.message())} : Status{};
}

/// A new folder beside `folder`, so that a rename brings it into place.
[[nodiscard]] Result<fs::path> make_beside(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder.parent_path(), error);
    std::string pattern = folder.string() + ".new-XXXXXX";
    if (error || ::mkdtemp(pattern.data()) == nullptr) {
        return fail(
            unwritable(folder, error ? error.message() : std::generic_category().message(errno))
        );
    }
    using fs::perms;
    fs::permissions(
        pattern,
        perms::group_read | perms::group_exec | perms::others_read | perms::others_exec,
        fs::perm_options::add,
        error
    );
    return fs::path{pattern};
}

}  // namespace

Status check_runner_name(std::string_view name) {
    const bool is_fine = !name.empty() && name.size() <= kLongestName && is_lower(name.front()) &&
                         name.back() != '-' && name.find("--") == std::string_view::npos &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                             return is_lower(c) || is_digit(c) || c == '-';
                         });
    if (is_fine) {
        return {};
    }
    return fail(
        Errc::invalid_argument,
        "a runner's name is a lower-case letter, then letters, digits and single hyphens, at most "
        "32 in all"
    );
}

std::vector<ProjectFile> runner_project(std::string_view name) {
    const Spellings spelt = spellings_of(name);
    std::vector<ProjectFile> files{
        {"CMakeLists.txt", std::string(example::k_CMakeLists_txt)},
        {"README.md", std::string(example::k_README_md)},
        {"hello_runner.cpp", std::string(example::k_hello_runner_cpp)},
        {"opslab.yaml", std::string(example::k_opslab_yaml)},
        {"test/no_driver.yaml", std::string(example::k_no_driver_yaml)},
        {"test/run_a_task", std::string(example::k_run_a_task), true},
    };
    for (ProjectFile& file : files) {
        file.path = renamed(file.path, spelt);
        file.text = renamed(file.text, spelt);
    }
    return files;
}

Status write_project(const fs::path& folder, const std::vector<ProjectFile>& files) {
    std::error_code error;
    fs::path target = fs::absolute(folder, error).lexically_normal();
    if (!target.has_filename()) {
        target = target.parent_path();  // a slash at the end
    }
    if (fs::exists(fs::symlink_status(target, error)) &&
        !(fs::is_directory(fs::symlink_status(target, error)) && fs::is_empty(target, error))) {
        return fail(Errc::conflict, target.string() + " is there already, and not an empty folder");
    }
    const auto fresh = make_beside(target);
    if (!fresh) {
        return fail(fresh.error());
    }
    Status done{};
    for (const ProjectFile& file : files) {
        if (done) {
            done = write_file(*fresh / file.path, file);
        }
    }
    if (done) {
        // fails where the target got files meanwhile, so nothing is ever overwritten
        fs::rename(*fresh, target, error);
        if (!error) {
            return {};
        }
        done = fail(unwritable(target, error.message()));
    }
    fs::remove_all(*fresh, error);
    return done;
}

}  // namespace opslab::cli
