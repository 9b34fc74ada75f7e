#include "callback/secret_file.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace opslab::testing {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;

class SecretFile : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "opslab-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string file(const std::string& content, mode_t mode) {
        const auto path = (folder_ / "secret").string();
        std::ofstream(path, std::ios::binary) << content;
        EXPECT_THAT(::chmod(path.c_str(), mode), Eq(0));
        return path;
    }

    std::filesystem::path folder_;
};

TEST_F(SecretFile, IsReadWithoutItsLineEnd) {
    EXPECT_THAT(read_secret_file(file("hush hush\r\n", 0600)), IsOkAnd(Eq("hush hush")));
    EXPECT_THAT(read_secret_file(file("hush", 0640)), IsOkAnd(Eq("hush")));
}

TEST_F(SecretFile, ThatOthersMayReadOrChangeIsRefused) {
    for (const mode_t mode : {0604U, 0602U, 0644U, 0620U, 0666U}) {
        const auto secret = read_secret_file(file("hush", mode));
        ASSERT_FALSE(secret.has_value()) << std::oct << mode;
        EXPECT_THAT(secret.error().code, Eq(Errc::permission_denied));
        EXPECT_THAT(secret.error().message, HasSubstr("chmod 600"));
    }
}

TEST_F(SecretFile, OfTheWrongSizeIsRefusedAndNotShown) {
    EXPECT_FALSE(read_secret_file(file(" \n", 0600)).has_value());
    const auto longest = read_secret_file(file(std::string(4096, 'k') + "\n", 0600));
    EXPECT_TRUE(longest.has_value());
    const auto longer = read_secret_file(file(std::string(4097, 'k'), 0600));
    ASSERT_FALSE(longer.has_value());
    EXPECT_THAT(longer.error().message, Not(HasSubstr("kkk")));
}

TEST_F(SecretFile, ThatIsNoneIsRefused) {
    EXPECT_FALSE(read_secret_file((folder_ / "none").string()).has_value());
    EXPECT_FALSE(read_secret_file(folder_.string()).has_value());
    const auto pipe = (folder_ / "pipe").string();
    ASSERT_THAT(::mkfifo(pipe.c_str(), 0600), Eq(0));
    EXPECT_FALSE(read_secret_file(pipe).has_value());
}

}  // namespace
}  // namespace opslab::testing
