#include "fuzz/fuzz.hpp"

#include <opslab/docker/frame_parser.hpp>

#include <algorithm>

/// Docker's multiplexed stream. Promised: the frames are those that a plain reading finds, whatever
/// the cuts; a frame's bytes are all delivered and no others; bad bytes are an error, never a
/// frame.
namespace opslab::fuzz {
namespace {

struct Frame {
    OutputStream stream{};
    std::string bytes{};
    bool whole = false;

    bool operator==(const Frame&) const = default;
};

struct FrameReading {
    std::vector<Frame> frames{};
    bool bad = false;

    bool operator==(const FrameReading&) const = default;
};

class FrameKeeper final : public docker::FrameTaker {
public:
    std::vector<Frame> frames{};

    void frame_begins(OutputStream stream) override {
        require(frames.empty() || frames.back().whole, "frames do not nest");
        frames.push_back({stream, {}, false});
    }
    SinkAnswer frame_bytes(std::string_view bytes) override {
        require(!bytes.empty() && !frames.back().whole, "bytes come within a frame");
        frames.back().bytes += bytes;
        return SinkAnswer::go_on;
    }
    SinkAnswer frame_ends() override {
        frames.back().whole = true;
        return SinkAnswer::go_on;
    }
};

FrameReading plain_reading(std::string_view input) {
    FrameReading reading;
    while (input.size() >= 8) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(input[i]); };
        if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0) {
            reading.bad = true;
            return reading;
        }
        const std::size_t size = std::size_t{byte(4)} << 24U | std::size_t{byte(5)} << 16U |
                                 std::size_t{byte(6)} << 8U | std::size_t{byte(7)};
        const auto stream = byte(0) == 2 ? OutputStream::err : OutputStream::out;
        input.remove_prefix(8);
        const auto there = std::min(size, input.size());
        reading.frames.push_back({stream, std::string(input.substr(0, there)), there == size});
        input.remove_prefix(there);
    }
    return reading;
}

FrameReading parsed_reading(const std::vector<std::string_view>& pieces) {
    docker::FrameParser parser;
    FrameKeeper keeper;
    FrameReading reading;
    for (const auto piece : pieces) {
        const auto fed = parser.feed(piece, keeper);
        if (!fed) {
            require(!fed.error().message.empty(), "bad bytes are told of in words");
            reading.bad = true;
            break;
        }
    }
    require(
        reading.bad || keeper.frames.empty() || keeper.frames.back().whole ||
            !parser.is_between_frames(),
        "no stream may end within a frame"
    );
    reading.frames = std::move(keeper.frames);
    return reading;
}

void docker_frames(std::string_view input) {
    const auto wanted = plain_reading(input);
    for (const auto& cut : {std::vector{input}, pieces_of(input), bytes_of(input)}) {
        require(parsed_reading(cut) == wanted, "frames are those of a plain reading", input);
    }
}

const Registration kDockerFrames{"docker_frames", docker_frames};

}  // namespace
}  // namespace opslab::fuzz
