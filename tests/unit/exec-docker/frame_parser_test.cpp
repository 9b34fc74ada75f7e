#include <opslab/docker/frame_parser.hpp>

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace opslab::docker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Frame {
    OutputStream stream = OutputStream::out;
    std::string bytes{};
    bool is_whole = false;

    bool operator==(const Frame&) const = default;
};

void PrintTo(const Frame& frame, std::ostream* out) {
    *out << static_cast<int>(frame.stream) << " \"" << frame.bytes.substr(0, 40)
         << (frame.is_whole ? "\"" : "\" cut");
}

class FrameRecorder final : public FrameTaker {
public:
    void frame_begins(OutputStream stream) override { frames.push_back({stream}); }

    [[nodiscard]] SinkAnswer frame_bytes(std::string_view bytes) override {
        EXPECT_FALSE(bytes.empty());
        frames.back().bytes.append(bytes);
        return answer;
    }

    [[nodiscard]] SinkAnswer frame_ends() override {
        frames.back().is_whole = true;
        return answer;
    }

    std::vector<Frame> frames{};
    SinkAnswer answer = SinkAnswer::go_on;
};

[[nodiscard]] std::string header(unsigned char stream, std::uint32_t size) {
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(stream);
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[4 + i] = static_cast<char>((size >> (24U - 8U * i)) & 0xffU);
    }
    return bytes;
}

[[nodiscard]] std::string frame(unsigned char stream, const std::string& bytes) {
    return header(stream, static_cast<std::uint32_t>(bytes.size())) + bytes;
}

TEST(FrameParser, FramesOfBothStreamsArriveInTheirOrder) {
    FrameParser parser;
    FrameRecorder taker;

    ASSERT_TRUE(parser.feed(frame(1, "a\n") + frame(2, "b\n") + frame(1, "c"), taker));

    EXPECT_THAT(
        taker.frames,
        ElementsAre(
            Frame{OutputStream::out, "a\n", true},
            Frame{OutputStream::err, "b\n", true},
            Frame{OutputStream::out, "c", true}
        )
    );
    EXPECT_TRUE(parser.is_between_frames());
}

TEST(FrameParser, AnyFragmentationGivesTheSameFrames) {
    const std::string stream =
        frame(1, "first\n") + frame(2, "") + frame(1, std::string("\0\x01\xff", 3)) + frame(2, "x");
    FrameRecorder whole;
    FrameParser once;
    ASSERT_TRUE(once.feed(stream, whole));
    for (std::size_t size = 1; size <= stream.size(); ++size) {
        FrameParser parser;
        FrameRecorder taker;
        for (std::size_t at = 0; at < stream.size(); at += size) {
            ASSERT_TRUE(parser.feed(std::string_view(stream).substr(at, size), taker));
        }
        EXPECT_EQ(taker.frames, whole.frames) << "in pieces of " << size;
        EXPECT_TRUE(parser.is_between_frames());
    }
}

TEST(FrameParser, EmptyFrameIsAFrame) {
    FrameParser parser;
    FrameRecorder taker;

    ASSERT_TRUE(parser.feed(frame(2, ""), taker));

    EXPECT_THAT(taker.frames, ElementsAre(Frame{OutputStream::err, "", true}));
}

TEST(FrameParser, FrameThatClaimsFourGibibytesIsPassedOnAsItComes) {
    FrameParser parser;
    FrameRecorder taker;

    ASSERT_TRUE(parser.feed(header(1, 0xffffffffU) + "only this", taker));

    EXPECT_THAT(taker.frames, ElementsAre(Frame{OutputStream::out, "only this", false}));
    EXPECT_FALSE(parser.is_between_frames());
}

TEST(FrameParser, StreamThatEndsInsideAHeaderIsNotBetweenFrames) {
    for (std::size_t size = 1; size < 8; ++size) {
        FrameParser parser;
        FrameRecorder taker;
        ASSERT_TRUE(parser.feed(header(1, 5).substr(0, size), taker));
        EXPECT_FALSE(parser.is_between_frames()) << size;
        EXPECT_THAT(taker.frames, IsEmpty());
    }
}

TEST(FrameParser, UnknownStreamIsRefused) {
    for (unsigned kind = 4; kind < 256; ++kind) {
        FrameParser parser;
        FrameRecorder taker;
        const auto fed = parser.feed(frame(static_cast<unsigned char>(kind), "x"), taker);
        ASSERT_FALSE(fed) << kind;
        EXPECT_EQ(fed.error().code, EngineErrc::protocol);
        EXPECT_THAT(taker.frames, IsEmpty());
    }
}

TEST(FrameParser, BytesOfATerminalAreRefused) {
    FrameParser parser;
    FrameRecorder taker;

    const auto fed = parser.feed("2026-11-23T00:00:00Z hello\r\n", taker);

    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, EngineErrc::protocol);
}

TEST(FrameParser, HeaderWhoseFillingIsNotZeroIsRefused) {
    for (std::size_t at = 1; at < 4; ++at) {
        std::string bytes = frame(1, "x");
        bytes[at] = '\x01';
        FrameParser parser;
        FrameRecorder taker;
        const auto fed = parser.feed(bytes, taker);
        ASSERT_FALSE(fed) << at;
        EXPECT_EQ(fed.error().code, EngineErrc::protocol);
    }
}

TEST(FrameParser, TheEnginesOwnTroubleIsAFault) {
    FrameParser parser;
    FrameRecorder taker;

    const auto fed = parser.feed(frame(3, "Error grabbing logs: unexpected EOF"), taker);

    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, EngineErrc::fault);
}

TEST(FrameParser, TakerThatLeavesOffGetsNothingMore) {
    FrameParser parser;
    FrameRecorder taker;
    taker.answer = SinkAnswer::leave_off;

    const auto fed = parser.feed(frame(1, "a") + frame(1, "b"), taker);

    ASSERT_TRUE(fed);
    EXPECT_EQ(*fed, SinkAnswer::leave_off);
    EXPECT_THAT(taker.frames, ElementsAre(Frame{OutputStream::out, "a", true}));
}

}  // namespace
}  // namespace opslab::docker
