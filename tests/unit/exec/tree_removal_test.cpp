#include <opslab/exec/tree_removal.hpp>
#include <opslab/testing/runner_conformance.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

namespace opslab::exec {
namespace {

namespace fs = std::filesystem;
using testing::Succeeds;

class TreeRemoval : public ::testing::Test {
protected:
    void SetUp() override {
        base_ = (fs::temp_directory_path() / "opslab-tree-XXXXXX").string();
        ASSERT_NE(::mkdtemp(base_.data()), nullptr);
        tree_ = base_ + "/tree";
        ASSERT_TRUE(fs::create_directory(tree_));
    }
    void TearDown() override { fs::remove_all(base_); }

    std::string base_{};
    std::string tree_{};
};

TEST_F(TreeRemoval, RemovesLinksAndNotWhatTheyPointTo) {
    std::ofstream(base_ + "/kept") << "kept";
    fs::create_directory(base_ + "/kept_dir");
    std::ofstream(base_ + "/kept_dir/file") << "kept";
    fs::create_symlink(base_ + "/kept", tree_ + "/link");
    fs::create_directory_symlink(base_ + "/kept_dir", tree_ + "/dir_link");
    fs::create_directories(tree_ + "/a/b");
    fs::create_directory_symlink(base_ + "/kept_dir", tree_ + "/a/b/deep_link");

    EXPECT_THAT(remove_tree(tree_), Succeeds());

    EXPECT_FALSE(fs::exists(tree_));
    EXPECT_TRUE(fs::exists(base_ + "/kept"));
    EXPECT_TRUE(fs::exists(base_ + "/kept_dir/file"));
}

TEST_F(TreeRemoval, RemovesATreeDeeperThanAnyPathAndWithoutPermissions) {
    int dir = ::open(tree_.c_str(), O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < 3000; ++depth) {
        ASSERT_EQ(::mkdirat(dir, "d", 0700), 0);
        const int next = ::openat(dir, "d", O_RDONLY | O_DIRECTORY);
        ASSERT_EQ(::fchmod(dir, depth % 2 == 0 ? 0000 : 0700), 0);
        ::close(dir);
        dir = next;
    }
    ::close(dir);

    EXPECT_THAT(remove_tree(tree_), Succeeds());

    EXPECT_FALSE(fs::exists(tree_));
}

TEST_F(TreeRemoval, NamesLikeItsOwnAreInNobodysWay) {
    for (const char* name : {"~1", "~2", "~3/~1/~2", "x/~1/y", "x/~2/z"}) {
        fs::create_directories(tree_ + "/" + name);
        std::ofstream(tree_ + "/" + name + "/file") << "text";
    }
    std::ofstream(tree_ + "/~4") << "text";

    EXPECT_THAT(remove_tree(tree_), Succeeds());

    EXPECT_FALSE(fs::exists(tree_));
}

TEST_F(TreeRemoval, SeveralRemoversOfOneTreeAllSucceed) {
    constexpr int kRounds = 100;
    constexpr int kRemovers = 4;
    for (int round = 0; round < kRounds; ++round) {
        for (const char* name : {"a/b/c", "a/d", "e/f/g/h", "e/i"}) {
            fs::create_directories(tree_ + "/" + name);
            std::ofstream(tree_ + "/" + name + "/file") << "text";
        }
        std::vector<std::future<RunnerStatus>> removers;
        removers.reserve(kRemovers);
        for (int i = 0; i < kRemovers; ++i) {
            removers.push_back(std::async(std::launch::async, [this] { return remove_tree(tree_); })
            );
        }

        for (auto& remover : removers) {
            EXPECT_THAT(remover.get(), Succeeds());
        }
        EXPECT_FALSE(fs::exists(tree_));
    }
}

TEST_F(TreeRemoval, WhatIsNotThereIsGone) {
    EXPECT_THAT(remove_tree(base_ + "/never"), Succeeds());
}

}  // namespace
}  // namespace opslab::exec
