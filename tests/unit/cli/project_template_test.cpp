#include "project_template.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace opslab::cli {
namespace {

namespace fs = std::filesystem;

using opslab::testing::IsError;
using opslab::testing::IsOk;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class Scratch : public ::testing::Test {
protected:
    Scratch() {
        std::string pattern = (fs::temp_directory_path() / "opslab-template-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~Scratch() override {
        std::error_code error;
        fs::remove_all(folder_, error);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    fs::path folder_;
};

std::string text_of(const std::vector<ProjectFile>& files, const std::string& path) {
    for (const auto& file : files) {
        if (file.path == path) {
            return file.text;
        }
    }
    return {};
}

using ProjectTemplate = Scratch;

TEST_F(ProjectTemplate, RefusesNamesThatCouldNotBeABackendType) {
    for (const char* name :
         {"",
          "Mine",
          "7up",
          "-mine",
          "mine-",
          "my--runner",
          "my_runner",
          "../mine",
          "my/runner",
          "m\xc3\xbcller",
          "a23456789-123456789-123456789-123"}) {
        EXPECT_THAT(check_runner_name(name), IsError(Errc::invalid_argument)) << name;
    }
    for (const char* name : {"m", "mine", "my-runner-2", "a23456789-123456789-123456789-12"}) {
        EXPECT_THAT(check_runner_name(name), IsOk()) << name;
    }
}

TEST_F(ProjectTemplate, NamesEverythingAfterTheRunner) {
    const auto files = runner_project("my-pod2");

    for (const auto& file : files) {
        for (const char* left : {"hello", "HELLO", "Hello"}) {
            EXPECT_THAT(file.text, Not(HasSubstr(left))) << file.path;
            EXPECT_THAT(file.path, Not(HasSubstr(left)));
        }
    }
    const auto source = text_of(files, "my_pod2_runner.cpp");
    EXPECT_THAT(source, HasSubstr("class MyPod2Runner final"));
    EXPECT_THAT(source, HasSubstr("OPSLAB_RUNNER_PLUGIN(\"my-pod2\", MY_POD2_VERSION"));
    EXPECT_THAT(
        text_of(files, "CMakeLists.txt"),
        HasSubstr("add_library(runner-my-pod2 MODULE my_pod2_runner.cpp)")
    );
}

TEST_F(ProjectTemplate, WritesAllFilesAndProgramsAsSuch) {
    const auto files = runner_project("mine");
    const fs::path target = folder_ / "deep" / "runner-mine";

    ASSERT_THAT(write_project(target, files), IsOk());

    for (const auto& file : files) {
        std::ifstream in(target / file.path);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        EXPECT_EQ(file.text, text) << file.path;
        const bool is_program = (fs::status(target / file.path).permissions() &
                                 fs::perms::owner_exec) != fs::perms::none;
        EXPECT_EQ(file.is_program, is_program) << file.path;
    }
    EXPECT_THAT(files, Contains(Field(&ProjectFile::is_program, true)));
    EXPECT_EQ(1, std::distance(fs::directory_iterator(folder_ / "deep"), {}));
}

TEST_F(ProjectTemplate, FillsAnEmptyFolder) {
    fs::create_directory(folder_ / "empty");

    EXPECT_THAT(write_project(folder_ / "empty" / "", runner_project("mine")), IsOk());

    EXPECT_TRUE(fs::exists(folder_ / "empty" / "CMakeLists.txt"));
}

TEST_F(ProjectTemplate, OverwritesNothing) {
    fs::create_directory(folder_ / "full");
    std::ofstream(folder_ / "full" / "README.md") << "mine";
    std::ofstream(folder_ / "file") << "mine";
    fs::create_symlink("nowhere", folder_ / "link");

    for (const char* name : {"full", "file", "link"}) {
        EXPECT_THAT(write_project(folder_ / name, runner_project("mine")), IsError(Errc::conflict))
            << name;
    }

    EXPECT_EQ(4U, fs::file_size(folder_ / "full" / "README.md"));
    EXPECT_EQ(1, std::distance(fs::directory_iterator(folder_ / "full"), {}));
    EXPECT_EQ(3, std::distance(fs::directory_iterator(folder_), {}));
}

}  // namespace
}  // namespace opslab::cli
