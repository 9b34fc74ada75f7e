#include <opslab/sql/statements.hpp>
#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <array>
#include <string_view>

namespace opslab::sql {
namespace {

using opslab::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNull;

Result<StatementTable> parse_one(std::string_view file) {
    return StatementTable::parse({&file, 1});
}

TEST(StatementTable, KnowsTheStatementsOfAllFilesByNameAndLeavesCommentsOut) {
    const std::array<std::string_view, 2> files{
        "-- why: it's said here\n-- name: b.get\nSELECT 1\n-- it's a comment\nFROM x\n\n"
        "-- name: b.all\r\nSELECT 2\n",
        "-- name: a.get\nSELECT 3"};

    const auto table = StatementTable::parse(files).value();

    EXPECT_THAT(table.names(), ElementsAre("a.get", "b.all", "b.get"));
    EXPECT_EQ(*table.find("b.get"), "SELECT 1\nFROM x");
    EXPECT_EQ(*table.find("a.get"), "SELECT 3");
    EXPECT_THAT(table.find("a.gone"), IsNull());
}

TEST(StatementTable, NamesWhatIsWrong) {
    const auto message = [](std::string_view file) {
        const auto table = parse_one(file);
        return table ? std::string{} : table.error().message;
    };

    EXPECT_THAT(
        message("-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n"), HasSubstr("\"a\" is there twice")
    );
    EXPECT_THAT(message("SELECT 1\n-- name: a\nSELECT 2\n"), HasSubstr("before the first name"));
    EXPECT_THAT(message("-- name: a\n\n-- name: b\nSELECT 1\n"), HasSubstr("\"a\" is empty"));
    EXPECT_THAT(message("-- name: a\nSELECT $$x$$\n"), HasSubstr("dollar quote"));
    EXPECT_THAT(message("-- name: a\nSELECT 1;\n"), HasSubstr("semicolon"));
    EXPECT_THAT(message("-- name: a\nSELECT 1 -- one\n"), HasSubstr("comment after code"));
    EXPECT_THAT(parse_one("SELECT 1"), IsError(Errc::internal));
}

}  // namespace
}  // namespace opslab::sql
