#pragma once

#include <opslab/docker/engine_error.hpp>
#include <opslab/runner.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace opslab::docker {

/// Takes the frames of a multiplexed stream, each in as many pieces as it came in.
class FrameTaker {
public:
    FrameTaker() = default;
    FrameTaker(const FrameTaker&) = delete;
    FrameTaker& operator=(const FrameTaker&) = delete;
    virtual ~FrameTaker() = default;

    virtual void frame_begins(OutputStream stream) = 0;
    /// Any bytes, any size above 0.
    [[nodiscard]] virtual SinkAnswer frame_bytes(std::string_view bytes) = 0;
    [[nodiscard]] virtual SinkAnswer frame_ends() = 0;
};

/// Cuts Docker's multiplexed stream (8-byte headers: stream, three zeros, big-endian size) into
/// frames. Keeps nothing but a header, so a frame that claims 4 GiB costs no memory.
/// Threads: one at a time.
class FrameParser {
public:
    /// Stops after the piece at which the taker wants to leave off.
    /// Fails: `protocol` where the bytes are no such stream (a TTY's, for one); `fault` where the
    /// engine reports its own trouble in the stream.
    [[nodiscard]] EngineResult<SinkAnswer> feed(std::string_view bytes, FrameTaker& taker);

    /// Whether the stream may end here: no frame is under way.
    [[nodiscard]] bool is_between_frames() const { return left_ == 0 && header_size_ == 0; }

private:
    [[nodiscard]] EngineStatus open_frame(FrameTaker& taker);

    std::array<unsigned char, 8> header_{};
    std::size_t header_size_ = 0;
    std::uint32_t left_ = 0;
};

}  // namespace opslab::docker
