#include <opslab/exec/task_file.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace opslab::exec {
namespace {

using testing::FailsAs;
using testing::Succeeds;

TEST(TaskFile, GetsThePrefixAndKeepsTheRestByteForByte) {
    EXPECT_EQ(
        task_file_text(" {\"n\": 12345678901234567890.5e1}\n", "opslab-1").value(),
        "{\"n\": 12345678901234567890.5e1,\"event_prefix\":\"opslab-1\"}\n"
    );
    EXPECT_EQ(task_file_text("{ }", "opslab-1").value(), "{\"event_prefix\":\"opslab-1\"}\n");
}

TEST(TaskFile, RefusesWhatIsNoObject) {
    for (const char* text : {"", " ", "[]", "{", "}", "{]", "null"}) {
        EXPECT_THAT(task_file_text(text, "opslab-1"), FailsAs(RunnerErrc::invalid)) << text;
    }
}

TEST(TaskFile, IsPrivateAndNeverWrittenThroughALinkOrOverAFile) {
    std::string dir = (std::filesystem::temp_directory_path() / "opslab-task-XXXXXX").string();
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    const std::string path = dir + "/task.json";
    const std::string link = dir + "/link";
    ASSERT_EQ(::symlink((dir + "/elsewhere").c_str(), link.c_str()), 0);

    EXPECT_THAT(write_private_file(path, "text"), Succeeds());
    EXPECT_THAT(write_private_file(path, "again"), FailsAs(RunnerErrc::infrastructure));
    EXPECT_THAT(write_private_file(link, "text"), FailsAs(RunnerErrc::infrastructure));

    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_EQ(info.st_size, 4);
    EXPECT_FALSE(std::filesystem::exists(dir + "/elsewhere"));
    std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace opslab::exec
