#include <opslab/exec/operator_file.hpp>

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace opslab::exec {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 20U;

class OperatorFile : public ::testing::Test {
protected:
    ~OperatorFile() override { std::filesystem::remove(path_); }

    void write(const std::string& text) const {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
    }

    void expect_refused(const std::string& path) const {
        const auto read = read_operator_file("kubeconfig", path);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().code, RunnerErrc::infrastructure);
        EXPECT_EQ(
            read.error().message,
            "kubeconfig \"" + path + "\" cannot be read, is empty or is over 1 MiB"
        );
    }

    const std::string path_ =
        ::testing::TempDir() + "opslab-operator-file-" + std::to_string(::getpid());
};

TEST_F(OperatorFile, IsReadAnewEachTimeByteForByte) {
    for (const auto& text : {std::string("a\0\xff\n", 4), std::string(kMost, 'x')}) {
        write(text);
        const auto read = read_operator_file("kubeconfig", path_);
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(*read, text);
    }
}

TEST_F(OperatorFile, ThatIsNotThereOrEmptyOrNoFileOrTooLargeIsNamed) {
    expect_refused(path_);
    write("");
    expect_refused(path_);
    write(std::string(kMost + 1, 'x'));
    expect_refused(path_);
    expect_refused(::testing::TempDir());
}

}  // namespace
}  // namespace opslab::exec
