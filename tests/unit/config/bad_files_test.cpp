// One file for each mistake, in tests/config/bad: NAME.yaml, and NAME.expected with all that is
// said of it, word for word. A new mistake is two new files.
#include "config/settings.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <vector>

namespace opslab::config {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
    return fs::path(OPSLAB_SOURCE_DIR) / "tests/config/bad";
}

std::string read(const fs::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

std::vector<std::string> names_with(const char* extension) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) {
        if (entry.path().extension() == extension) {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

class BadFile : public ::testing::TestWithParam<std::string> {};

TEST_P(BadFile, IsRefusedWithExactlyTheseFindings) {
    const std::string name = GetParam() + ".yaml";
    const Environment nothing_set = [](const std::string&) { return std::optional<std::string>{}; };

    const auto settings = parse_settings(read(folder() / name), name, nothing_set);

    ASSERT_FALSE(settings);
    EXPECT_EQ(to_text(settings.error()), read(folder() / (GetParam() + ".expected")));
}

INSTANTIATE_TEST_SUITE_P(
    Mistakes,
    BadFile,
    ::testing::ValuesIn(names_with(".yaml")),
    [](const auto& file) { return file.param; }
);

TEST(BadFiles, EachHasItsExpectationAndNoExpectationIsLeftOver) {
    EXPECT_THAT(names_with(".yaml"), ::testing::SizeIs(::testing::Ge(20U)));
    EXPECT_EQ(names_with(".yaml"), names_with(".expected"));
}

TEST(LoopbackListen, NeedsNoTokenInAnyOfItsForms) {
    for (const char* listen :
         {"127.0.0.1:0",
          "127.9.8.7:8000",
          "localhost:8000",
          "[::1]:8000",
          "[::ffff:127.0.0.1]:1"}) {
        const auto settings = parse_settings(
            std::string{"server: {listen: \""} + listen + "\"}",
            "opslab.yaml",
            [](const std::string&) { return std::optional<std::string>{}; }
        );

        EXPECT_TRUE(settings) << listen << ": " << to_text(settings.error());
    }
}

TEST(LoopbackListen, LookalikesAreNotLoopback) {
    for (const char* listen :
         {"127.example.com:1",
          "127.0.0.1.example.com:1",
          "localhost.example.com:1",
          "127.1:1",
          "[::]:1",
          "[::ffff:10.0.0.1]:1",
          "0.0.0.0:1",
          "128.0.0.1:1"}) {
        const auto settings = parse_settings(
            std::string{"server: {listen: \""} + listen + "\"}",
            "opslab.yaml",
            [](const std::string&) { return std::optional<std::string>{}; }
        );

        ASSERT_FALSE(settings) << listen;
        EXPECT_EQ(
            to_text(settings.error()),
            "opslab.yaml:1:18: server.listen: an address that others can reach needs "
            "server.token_file, or server.allow_unauthenticated: true\n"
        );
    }
}

}  // namespace
}  // namespace opslab::config
