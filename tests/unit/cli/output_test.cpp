#include "client/sse_parser.hpp"
#include "output/escape.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace opslab::cli {
namespace {

using ::testing::ElementsAre;

TEST(Printable, ControlsOfATerminalAreShownAndNotSent) {
    EXPECT_EQ(printable("a\x1b[2Jb\rc"), "a\\x1b[2Jb\\x0dc");
    EXPECT_EQ(
        printable("\xC2\x9B"
                  "31m"),
        "\\u009b31m"
    );
}

TEST(Printable, TextThatWouldReverseTheReadingIsShownEscaped) {
    EXPECT_EQ(
        printable("\xE2\x80\xAE"
                  "x"),
        "\\u202ex"
    );
}

TEST(Printable, BytesThatAreNoUtf8AreShownAsBytes) {
    EXPECT_EQ(printable("\xff\xC0\xAFgut \xC3\xBC"), "\\xff\\xc0\\xafgut \xC3\xBC");
}

TEST(Printable, ALineBreakStaysOnlyWhereAsked) {
    EXPECT_EQ(printable("a\nb"), "a\\nb");
    EXPECT_EQ(printable("a\nb", LineBreaks::keep), "a\nb");
}

TEST(HarmlessJson, ControlsInStringsBecomeEscapesOfTheSameValue) {
    EXPECT_EQ(harmless_json("{\"a\":\"\x7f\"}"), "{\"a\":\"\\u007f\"}");
}

TEST(SseParser, PiecesMayEndAnywhere) {
    std::vector<std::string> seen;
    SseParser parser{[&](const SseEvent& event) {
        seen.push_back(event.type + "|" + event.id + "|" + event.data);
        return true;
    }};

    for (const char c : std::string{": hi\r\nid: 7\r\nevent: log\r\ndata: a\r\ndata: b\r\n\r\n"
                                    "data: c\n\n"}) {
        ASSERT_TRUE(parser.feed({&c, 1}));
    }

    EXPECT_THAT(seen, ElementsAre("log|7|a\nb", "message|7|c"));
}

TEST(SseParser, AnEventOverTheBoundEndsTheStream) {
    SseParser parser{[](const SseEvent&) { return true; }, 8};

    EXPECT_FALSE(parser.feed("data: 123456789\n"));
    EXPECT_TRUE(parser.overflowed());
}

}  // namespace
}  // namespace opslab::cli
