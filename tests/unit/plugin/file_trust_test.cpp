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

/// Lets its group write `shared`. A group of the user alone is as good as the user (root has none
/// such); any other is named in the refusal of `file`: `group N may write WHAT…`.
void expect_group_is_refused(const fs::path& file, const fs::path& shared, const char* what) {
    struct stat info {};
    ASSERT_EQ(::stat(shared.c_str(), &info), 0);
    fs::permissions(shared, fs::perms{0775});

    const auto trusted = trusted_file(file);

    if (info.st_uid != 0 && info.st_gid == info.st_uid) {
        EXPECT_THAT(trusted, IsOk());
        return;
    }
    EXPECT_THAT(
        trusted,
        IsErrorAnd(
            Errc::permission_denied,
            file.string() + ": group " + std::to_string(info.st_gid) + " may write " + what +
                ", wanted mode 0755 or less"
        )
    );
}

TEST(TrustedFile, WritableByAGroupOfOthersIsRefused) {
    const TempFolder folder;
    const auto file = a_file(folder);

    expect_group_is_refused(file, file, "it");
}

TEST(TrustedFile, AFolderThatAGroupOfOthersMayWriteIsRefused) {
    const TempFolder folder;
    const auto file = folder.write("shared/runner-x.so", "x");
    fs::permissions(file, fs::perms{0755});

    expect_group_is_refused(file, file.parent_path(), "its folder");
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

TEST(TrustedFile, AStickyFolderIsRefusedToo) {
    // nobody can change the file there, but anybody can lay another one beside it
    const TempFolder folder;
    const auto file = folder.write("tmp/runner-x.so", "x");
    fs::permissions(file, fs::perms{0755});
    fs::permissions(file.parent_path(), fs::perms{01777});

    EXPECT_THAT(
        trusted_file(file),
        IsErrorAnd(
            Errc::permission_denied,
            file.string() + ": every user may write its folder, wanted mode 0755 or less"
        )
    );
}

TEST(TrustedFile, AFolderFurtherUpThatAllMayWriteIsRefusedUnlessItIsSticky) {
    const TempFolder folder;
    const auto file = folder.write("open/plugins/runner-x.so", "x");
    fs::permissions(file, fs::perms{0755});
    fs::permissions(file.parent_path(), fs::perms{0755});
    const auto open = file.parent_path().parent_path();

    fs::permissions(open, fs::perms{0777});
    EXPECT_THAT(
        trusted_file(file),
        IsErrorAnd(
            Errc::permission_denied,
            file.string() + ": every user may write " + open.string() +
                ", through which it is reached; wanted mode 0755 or less, or the sticky bit"
        )
    );

    fs::permissions(open, fs::perms{01777});
    EXPECT_THAT(trusted_file(file), IsOk());
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

TEST(TrustedFile, ARelativeNameIsRefused) {
    // the dynamic linker would look for a bare name in its own folders
    for (const char* name : {"libc.so.6", "./runner-x.so", "plugins/runner-x.so", ""}) {
        EXPECT_THAT(
            trusted_file(name),
            IsErrorAnd(
                Errc::invalid_argument,
                std::string{name} + ": a relative name, wanted an absolute path"
            )
        );
    }
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
