#include "remote/token_file.hpp"

#include <opslab/testing/matchers.hpp>

#include <filesystem>
#include <fstream>
#include <string>

namespace opslab {
namespace {

using opslab::testing::IsError;
using opslab::testing::IsOk;

class TokenFileTest : public ::testing::Test {
protected:
    std::string file(const std::string& text) {
        const auto path = std::string(::testing::TempDir()) + "token_file_test";
        std::filesystem::remove(path);
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
};

TEST_F(TokenFileTest, IsOneLineWithoutTheBlanksAroundIt) {
    const auto token = read_token_file(file(" abc-123\r\n"));

    ASSERT_THAT(token, IsOk());
    EXPECT_EQ(token->token, "abc-123");
}

TEST_F(TokenFileTest, TellsWhetherOthersCanReadIt) {
    const auto path = file("t");
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    EXPECT_FALSE(read_token_file(path)->others_can_read);

    std::filesystem::permissions(path, std::filesystem::perms(0444));

    EXPECT_TRUE(read_token_file(path)->others_can_read);
}

TEST_F(TokenFileTest, WhatIsNoTokenIsRefusedWithoutItsText) {
    for (const std::string& text :
         {std::string(),
          std::string(" \n"),
          std::string("sec ret"),
          std::string("secret\nsecret"),
          std::string("s\0t", 3),
          std::string(5000, 's'),
          std::string("s\xc3\xa9")}) {
        const auto token = read_token_file(file(text));

        ASSERT_THAT(token, IsError(Errc::invalid_argument));
        EXPECT_EQ(token.error().message.find("sec"), std::string::npos);
    }
}

TEST_F(TokenFileTest, AFileThatIsNotThereIsSaidSo) {
    const auto missing = read_token_file("/no/such/file");
    ASSERT_THAT(missing, IsError(Errc::permission_denied));
    EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
    EXPECT_THAT(read_token_file("/"), IsError(Errc::permission_denied));
}

}  // namespace
}  // namespace opslab
