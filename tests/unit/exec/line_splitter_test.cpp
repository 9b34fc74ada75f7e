#include <opslab/exec/line_splitter.hpp>

#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace opslab::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class Taken final : public LineTaker {
public:
    [[nodiscard]] SinkAnswer line(std::string_view text, bool truncated) override {
        lines.emplace_back(std::string(text), truncated);
        return lines.size() == leave_after ? SinkAnswer::leave_off : SinkAnswer::go_on;
    }

    std::vector<std::pair<std::string, bool>> lines{};
    std::size_t leave_after = 0;
};

TEST(LineSplitter, CutsAtLineFeedsHoweverThePiecesFall) {
    const std::string text("one\n\ntw\0o\r\nthree", 16);
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        LineSplitter splitter;
        Taken taken;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            const auto part = std::string_view(text).substr(at, piece);
            EXPECT_EQ(splitter.feed(part, taken).taken, part.size());
        }
        EXPECT_EQ(splitter.finish(taken), SinkAnswer::go_on);
        EXPECT_THAT(
            taken.lines,
            ElementsAre(
                Pair("one", false),
                Pair("", false),
                Pair(std::string("tw\0o\r", 5), false),
                Pair("three", false)
            )
        );
    }
}

TEST(LineSplitter, LineOverTheLimitIsCutAndMarkedAndOneOfJustThatLengthIsWhole) {
    LineSplitter splitter(4);
    Taken taken;

    EXPECT_EQ(splitter.feed("abcd\nabcde\nab", taken).answer, SinkAnswer::go_on);
    EXPECT_EQ(splitter.feed("cdef", taken).answer, SinkAnswer::go_on);
    EXPECT_EQ(splitter.feed("gh\nx\n", taken).answer, SinkAnswer::go_on);

    EXPECT_THAT(
        taken.lines,
        ElementsAre(Pair("abcd", false), Pair("abcd", true), Pair("abcd", true), Pair("x", false))
    );
}

TEST(LineSplitter, LeavesOffBehindTheLineAtWhichItIsAskedTo) {
    LineSplitter splitter;
    Taken taken;
    taken.leave_after = 2;

    const auto fed = splitter.feed("a\nb\nc\n", taken);

    EXPECT_EQ(fed.taken, 4U);
    EXPECT_EQ(fed.answer, SinkAnswer::leave_off);
}

TEST(LineSplitter, EndOfAStreamWithoutARestGivesNothing) {
    LineSplitter splitter;
    Taken taken;

    EXPECT_EQ(splitter.finish(taken), SinkAnswer::go_on);

    EXPECT_THAT(taken.lines, IsEmpty());
}

}  // namespace
}  // namespace opslab::exec
