#include "service/cursor.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Optional;

const std::string kId = "0192f0c4-0000-7000-8000-000000000000";

TEST(Cursor, OpensToWhatWasSealed) {
    const auto cursor = seal_cursor("tasks?sort=-created_at", {"-5", kId});

    EXPECT_THAT(open_cursor("tasks?sort=-created_at", cursor, 2), Optional(ElementsAre("-5", kId)));
}

TEST(Cursor, OfAnotherScopeDoesNotOpen) {
    const auto cursor = seal_cursor("tasks?sort=-created_at", {"5", kId});

    EXPECT_THAT(open_cursor("tasks?sort=created_at", cursor, 2), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("", cursor, 2), Eq(std::nullopt));
}

TEST(Cursor, WithAnotherNumberOfValuesDoesNotOpen) {
    const auto cursor = seal_cursor("s", {"5", kId});

    EXPECT_THAT(open_cursor("s", cursor, 1), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("s", cursor, 3), Eq(std::nullopt));
}

TEST(Cursor, TextThatIsNoneDoesNotOpen) {
    const auto good = seal_cursor("s", {"5"});
    EXPECT_THAT(open_cursor("s", "", 1), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("s", ".", 1), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("s", good + "." + "6", 1), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("s", " " + good, 1), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("s", std::string("\0\xff", 2), 1), Eq(std::nullopt));
    EXPECT_THAT(open_cursor("s", good + std::string(10'000, '5'), 1), Eq(std::nullopt));
}

TEST(Cursor, IsSafeInAQueryString) {
    EXPECT_THAT(seal_cursor("a b&c", {"-5", kId}), ::testing::MatchesRegex("[A-Za-z0-9._-]+"));
}

}  // namespace
}  // namespace opslab
