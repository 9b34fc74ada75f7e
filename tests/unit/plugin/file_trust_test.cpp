#include "plugin/file_trust.hpp"

#include "temp_folder.hpp"

#include <opslab/testing/matchers.hpp>

#include <sys/stat.h>
#include <unistd.h>

namespace opslab::plugin {
namespace {

namespace fs = std::filesystem;
using ::opslab::testing::IsErrorAnd;
using ::opslab::testing::IsOk;
using ::testing::HasSubstr;

fs::path a_file(const TempFolder& folder) {
    auto file = folder.write("runner-x.so", "x");
    fs::permissions(file, fs::perms{0755});
    return file;
}

TEST(TrustedFile, OursWithModeOf755IsTrustedAndNamedInFull) {
    const TempFolder folder;
    const auto file = a_file(folder);

    const auto trusted = trusted_file(folder.path() / "." / "runner-x.so");

    ASSERT_THAT(trusted, IsOk());
    EXPECT_EQ(*trusted, file);
}

TEST(TrustedFile, WritableByAllIsRefused) {
    const TempFolder folder;
    const auto file = a_file(folder);
    fs::permissions(file, fs::perms{0757});

    EXPECT_THAT(
        trusted_file(file),
        IsErrorAnd(
            Errc::permission_denied,
            file.string() + ": every user may write it, wanted mode 0755 or less"
        )
    );
}

TEST(TrustedFile, WritableByAGroupOfOthersIsRefused) {
    const TempFolder folder;
    const auto file = a_file(folder);
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    fs::permissions(file, fs::perms{0775});

    const auto trusted = trusted_file(file);

    // a group of the user alone is as good as the user; root has none such
    if (info.st_uid != 0 && info.st_gid == info.st_uid) {
        EXPECT_THAT(trusted, IsOk());
    } else {
        EXPECT_THAT(
            trusted,
            IsErrorAnd(
                Errc::permission_denied,
                file.string() + ": group " + std::to_string(info.st_gid) +
                    " may write it, wanted mode 0755 or less"
            )
        );
    }
}

TEST(TrustedFile, AFolderThatAllMayWriteIsRefused) {
    const TempFolder folder;
    const auto file = folder.write("open/runner-x.so", "x");
    fs::permissions(file, fs::perms{0755});
    fs::permissions(file.parent_path(), fs::perms{0777});

    EXPECT_THAT(
        trusted_file(file),
        IsErrorAnd(
            Errc::permission_denied,
            file.string() + ": every user may write its folder, wanted mode 0755 or less"
        )
    );
}

TEST(TrustedFile, AnotherOwnersFileOrFolderIsRefused) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make a file that is another user's";
    }
    const TempFolder folder;
    const auto file = folder.write("theirs/runner-x.so", "x");
    fs::permissions(file, fs::perms{0755});

    ASSERT_EQ(::chown(file.parent_path().c_str(), 65534, 65534), 0);
    EXPECT_THAT(
        trusted_file(file),
        IsErrorAnd(
            Errc::permission_denied,
            file.string() +
                ": its folder is owned by user 65534, wanted root or the user that runs opslab (0)"
        )
    );
    ASSERT_EQ(::chown(file.c_str(), 65534, 65534), 0);
    EXPECT_THAT(
        trusted_file(file),
        IsErrorAnd(
            Errc::permission_denied,
            file.string() + ": owned by user 65534, wanted root or the user that runs opslab (0)"
        )
    );
}

TEST(TrustedFile, ALinkOutOfTheFolderIsRefused) {
    const TempFolder folder;
    const auto file = a_file(folder);
    fs::create_directory(folder.path() / "plugins");
    const auto link = folder.path() / "plugins" / "runner-x.so";
    fs::create_symlink(file, link);

    EXPECT_THAT(
        trusted_file(link),
        IsErrorAnd(
            Errc::permission_denied,
            link.string() + ": a link that leads out of its folder, to " + file.string()
        )
    );
}

TEST(TrustedFile, ALinkWithinTheFolderIsFollowed) {
    const TempFolder folder;
    const auto file = a_file(folder);
    fs::create_symlink("runner-x.so", folder.path() / "runner-y.so");

    const auto trusted = trusted_file(folder.path() / "runner-y.so");

    ASSERT_THAT(trusted, IsOk());
    EXPECT_EQ(*trusted, file);
}

TEST(TrustedFile, ARelativePathIsThatOfTheWorkingDirectoryAndNothingElse) {
    // the dynamic linker would look for a bare name in its own folders
    EXPECT_THAT(trusted_file("libc.so.6"), IsErrorAnd(Errc::not_found, "libc.so.6: no such file"));
}

TEST(TrustedFile, ADirectoryIsNoPlugin) {
    const TempFolder folder;
    fs::create_directory(folder.path() / "runner-x.so");

    EXPECT_THAT(
        trusted_file(folder.path() / "runner-x.so"),
        IsErrorAnd(Errc::invalid_argument, HasSubstr("expected a plugin library, found no file"))
    );
}

}  // namespace
}  // namespace opslab::plugin
