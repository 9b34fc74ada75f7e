#include <opslab/docker/tar_archive.hpp>

#include <gmock/gmock.h>

#include <cstdlib>
#include <stdexcept>

namespace opslab::docker {
namespace {

constexpr std::size_t kBlock = 512;

[[nodiscard]] std::uint64_t octal(const std::string& archive, std::size_t at) {
    return std::strtoull(archive.c_str() + at, nullptr, 8);
}

// As POSIX has it: the sum of the header's bytes, its own field as blanks.
[[nodiscard]] std::uint64_t header_sum(const std::string& archive, std::size_t header) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        const bool is_own = i >= 148 && i < 156;
        sum += is_own ? ' ' : static_cast<unsigned char>(archive.at(header + i));
    }
    return sum;
}

TEST(TarArchive, FileHasItsNameModeOwnerSizeAndContent) {
    TarArchive archive({1000, 100});
    archive.add_file("task/task.json", 0600, "{\"a\":1}");

    const std::string bytes = std::move(archive).finish();

    EXPECT_STREQ(bytes.c_str(), "task/task.json");
    EXPECT_EQ(octal(bytes, 100), 0600U);
    EXPECT_EQ(octal(bytes, 108), 1000U);
    EXPECT_EQ(octal(bytes, 116), 100U);
    EXPECT_EQ(octal(bytes, 124), 7U);
    EXPECT_EQ(bytes.at(156), '0');
    EXPECT_EQ(
        bytes.substr(257, 8),
        std::string(
            "ustar\0"
            "00",
            8
        )
    );
    EXPECT_EQ(bytes.substr(kBlock, 7), "{\"a\":1}");
}

TEST(TarArchive, ChecksumOfEachHeaderIsRight) {
    TarArchive archive({0, 0});
    archive.add_directory("work/", 0700);
    archive.add_file("task.json", 0666, "x");

    const std::string bytes = std::move(archive).finish();

    EXPECT_EQ(octal(bytes, 148), header_sum(bytes, 0));
    EXPECT_EQ(octal(bytes, kBlock + 148), header_sum(bytes, kBlock));
    EXPECT_EQ(bytes.at(156), '5');
}

TEST(TarArchive, EverythingIsInWholeBlocksAndTwoEmptyOnesEndIt) {
    for (const std::size_t size : {0U, 1U, 511U, 512U, 513U, 100'000U}) {
        TarArchive archive({0, 0});
        archive.add_file("f", 0600, std::string(size, 'x'));
        const std::string bytes = std::move(archive).finish();
        const std::size_t content = (size + kBlock - 1) / kBlock * kBlock;
        ASSERT_EQ(bytes.size(), kBlock + content + 2 * kBlock) << size;
        EXPECT_EQ(bytes.substr(kBlock + size).find_first_not_of('\0'), std::string::npos);
    }
}

TEST(TarArchive, NameThatDoesNotFitIsADefectOfTheCaller) {
    TarArchive archive({0, 0});

    EXPECT_THROW(archive.add_file(std::string(100, 'n'), 0600, ""), std::logic_error);
    EXPECT_THROW(archive.add_file("", 0600, ""), std::logic_error);
    EXPECT_NO_THROW(archive.add_file(std::string(99, 'n'), 0600, ""));
}

std::string entry(char type, const std::string& content) {
    TarArchive archive({0, 0});
    archive.add_file("name", 0600, content);
    auto bytes = std::move(archive).finish();
    bytes.at(156) = type;
    return bytes.substr(0, bytes.size() - 2 * kBlock);
}

TEST(OnlyFile, IsTheContentOfAPlainFileBehindAnyNotesOnIt) {
    const std::string end(2 * kBlock, '\0');

    EXPECT_EQ(only_file_of(entry('0', "text") + end), "text");
    EXPECT_EQ(only_file_of(entry('\0', "text") + end), "text");
    EXPECT_EQ(only_file_of(entry('x', "27 path=note") + entry('0', "text") + end), "text");
    EXPECT_EQ(only_file_of(entry('0', "") + end), "");
    const std::string large(100'000, 'x');
    EXPECT_EQ(only_file_of(entry('0', large) + end), large);
}

TEST(OnlyFile, IsNothingOfWhatIsNoFileOrCutShort) {
    const auto whole = entry('0', std::string(600, 'x'));

    EXPECT_EQ(only_file_of(""), std::nullopt);
    EXPECT_EQ(only_file_of("text"), std::nullopt);
    EXPECT_EQ(only_file_of(std::string(1024, '\xff')), std::nullopt);
    for (const char type : {'1', '2', '3', '5'}) {
        EXPECT_EQ(only_file_of(entry(type, "")), std::nullopt) << type;
    }
    for (std::size_t size = 0; size < kBlock + 600; size += 50) {
        EXPECT_EQ(only_file_of(whole.substr(0, size)), std::nullopt) << size;
    }
    EXPECT_EQ(
        only_file_of(entry('x', std::string(600, 'x')).substr(0, kBlock + 600)), std::nullopt
    );
}

}  // namespace
}  // namespace opslab::docker
