#include "output_position.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace opslab::docker {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(OutputPosition, TextGivesThePositionBack) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const OutputPosition position{.from_ns = 17, .marks = {StreamMark{kMost, 3}, StreamMark{0, 0}}};

    const auto back = OutputPosition::parse(position.text());

    ASSERT_TRUE(back);
    EXPECT_EQ(back->from_ns, position.from_ns);
    EXPECT_EQ(back->marks, position.marks);
}

TEST(OutputPosition, WhatIsNoPositionIsRefused) {
    for (const char* text :
         {"",
          "1",
          "1 2 3 4 5",
          "1 2 3 4 5 6 7",
          "1 2 3 4 5 6 ",
          "2 1 1 1 1 1",
          "1 -1 1 1 1 1",
          "1 1  1 1 1 1",
          "1 9223372036854775808 1 1 1 1",
          "1 0x1 1 1 1 1",
          "11 1 1 1 1"}) {
        EXPECT_FALSE(OutputPosition::parse(text)) << '"' << text << '"';
    }
}

TEST(LogStamp, IsNanosecondsOfUnixTime) {
    EXPECT_THAT(parse_stamp("1970-01-01T00:00:00Z"), Optional(Eq(0)));
    EXPECT_THAT(parse_stamp("1970-01-01T00:00:01.000000002Z"), Optional(Eq(1'000'000'002)));
    EXPECT_THAT(parse_stamp("1970-01-01T00:00:00.5Z"), Optional(Eq(500'000'000)));
    EXPECT_THAT(
        parse_stamp("2024-02-29T12:00:00.123456789Z"), Optional(Eq(1'709'208'000'123'456'789))
    );
}

TEST(LogStamp, OffsetOfAZoneIsTakenOff) {
    EXPECT_THAT(parse_stamp("1970-01-01T01:30:00+01:30"), Optional(Eq(0)));
    EXPECT_THAT(parse_stamp("1969-12-31T23:00:00-01:00"), Eq(std::nullopt));
    EXPECT_THAT(parse_stamp("1970-01-01T00:00:00-01:00"), Optional(Eq(3'600'000'000'000)));
}

TEST(LogStamp, WhatIsNoStampIsRefused) {
    for (const char* text :
         {"",
          "Z",
          "1970-01-01T00:00:00",
          "1970-01-01 00:00:00Z",
          "1970-13-01T00:00:00Z",
          "2023-02-29T00:00:00Z",
          "1970-01-01T00:00:00.1",
          "1970-01-01T00:00:00+1:00",
          "1970-01-01T00:00:00Zx",
          "9999-01-01T00:00:00Z",
          "197a-01-01T00:00:00Z"}) {
        EXPECT_FALSE(parse_stamp(text)) << '"' << text << '"';
    }
}

}  // namespace
}  // namespace opslab::docker
