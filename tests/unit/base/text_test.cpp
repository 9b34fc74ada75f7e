#include "base/text.hpp"

#include "base/digest.hpp"
#include "base/rfc3339.hpp"

#include <gmock/gmock.h>

namespace opslab {
namespace {

TEST(Utf8, AcceptsWellFormedTextOnly) {
    EXPECT_TRUE(is_utf8("plain, ü, €, 😀"));
    for (const auto* bad :
         {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xff"}) {
        EXPECT_FALSE(is_utf8(bad)) << bad;
    }
}

TEST(Utf8, RepairsEveryBadByteAndNul) {
    EXPECT_EQ(
        to_valid_utf8(std::string("a\xff\0b", 4)),
        "a\xef\xbf\xbd\xef\xbf\xbd"
        "b"
    );
    EXPECT_TRUE(is_utf8(to_valid_utf8("\xe2\x82\xc3")));
}

TEST(Utf8, ClippingCutsNoCodePoint) {
    EXPECT_EQ(clip_utf8("aü", 2), "a");
    EXPECT_EQ(clip_utf8("aü", 3), "aü");
}

TEST(Rfc3339, WritesMicrosecondsInUtc) {
    EXPECT_EQ(format_time(from_micros(1'769'847'330'123'456)), "2026-01-31T08:15:30.123456Z");
}

TEST(Rfc3339, ReadsBackWhatItWrites) {
    const auto at = from_micros(1'769'847'330'123'456);

    EXPECT_EQ(parse_time(format_time(at)), at);
    EXPECT_EQ(parse_time("2026-01-31T09:15:30.1234569+01:00"), at);
    EXPECT_EQ(parse_time("2026-01-31t03:15:30.123456-05:00"), at);
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
    for (const auto* bad :
         {"",
          "2026-02-30T00:00:00Z",
          "2026-01-31",
          "2026-01-31T24:00:00Z",
          "2026-01-31T00:00:00",
          "2026-01-31T00:00:00.Z",
          "2026-01-31T00:00:00Zx",
          "yesterday"}) {
        EXPECT_EQ(parse_time(bad), std::nullopt) << bad;
    }
}

TEST(Digest, IsSha256) {
    EXPECT_EQ(
        sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

}  // namespace
}  // namespace opslab
