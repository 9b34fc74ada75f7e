#include <opslab/docker/frame_parser.hpp>

#include <algorithm>

namespace opslab::docker {
namespace {

constexpr unsigned char kSystemError = 3;

}  // namespace

EngineStatus FrameParser::open_frame(FrameTaker& taker) {
    const unsigned char kind = header_[0];
    if (kind > kSystemError || header_[1] != 0 || header_[2] != 0 || header_[3] != 0) {
        return engine_fail(
            EngineErrc::protocol, "the container's output is no multiplexed stream (has it a TTY?)"
        );
    }
    if (kind == kSystemError) {
        return engine_fail(EngineErrc::fault, "the engine could not read the container's output");
    }
    left_ = (std::uint32_t{header_[4]} << 24U) | (std::uint32_t{header_[5]} << 16U) |
            (std::uint32_t{header_[6]} << 8U) | std::uint32_t{header_[7]};
    // 0 would be stdin, which engines echo as output
    taker.frame_begins(kind == 2 ? OutputStream::err : OutputStream::out);
    return {};
}

EngineResult<SinkAnswer> FrameParser::feed(std::string_view bytes, FrameTaker& taker) {
    while (!bytes.empty()) {
        if (left_ > 0) {
            const auto size = std::min<std::size_t>(left_, bytes.size());
            left_ -= static_cast<std::uint32_t>(size);
            const auto answer = taker.frame_bytes(bytes.substr(0, size));
            bytes.remove_prefix(size);
            if (left_ == 0) {
                // a frame that is whole counts as delivered, also where the taker has had enough
                if (taker.frame_ends() == SinkAnswer::leave_off) {
                    return SinkAnswer::leave_off;
                }
            }
            if (answer == SinkAnswer::leave_off) {
                return answer;
            }
            continue;
        }
        header_[header_size_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (header_size_ < header_.size()) {
            continue;
        }
        header_size_ = 0;
        if (auto opened = open_frame(taker); !opened) {
            return tl::unexpected(opened.error());
        }
        if (left_ == 0 && taker.frame_ends() == SinkAnswer::leave_off) {
            return SinkAnswer::leave_off;
        }
    }
    return SinkAnswer::go_on;
}

}  // namespace opslab::docker
