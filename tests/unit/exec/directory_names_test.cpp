#include <opslab/exec/directory_names.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace opslab::exec {
namespace {

namespace fs = std::filesystem;
using testing::FailsAs;
using ::testing::IsEmpty;
using testing::Succeeds;
using ::testing::UnorderedElementsAre;

class DirectoryNames : public ::testing::Test {
protected:
    void SetUp() override {
        base_ = (fs::temp_directory_path() / "opslab-names-XXXXXX").string();
        ASSERT_NE(::mkdtemp(base_.data()), nullptr);
    }
    void TearDown() override { fs::remove_all(base_); }

    std::string base_{};
};

TEST_F(DirectoryNames, AreOfAllThatIsThereAndNotOfWhatLinksPointTo) {
    fs::create_directories(base_ + "/a/inside");
    std::ofstream(base_ + "/.hidden") << "x";
    fs::create_symlink("/nowhere", base_ + "/link");

    EXPECT_THAT(*names_in(base_), UnorderedElementsAre("a", ".hidden", "link"));
}

TEST_F(DirectoryNames, AreNoneOfADirectoryThatIsNotThere) {
    const auto none = names_in(base_ + "/none");

    ASSERT_THAT(none, Succeeds());
    EXPECT_THAT(*none, IsEmpty());
}

TEST_F(DirectoryNames, OfAFileAreAFailureThatNamesIt) {
    std::ofstream(base_ + "/file") << "x";

    const auto names = names_in(base_ + "/file");

    ASSERT_THAT(names, FailsAs(RunnerErrc::infrastructure));
    EXPECT_EQ(names.error().message, "cannot list \"" + base_ + "/file\": Not a directory");
}

}  // namespace
}  // namespace opslab::exec
