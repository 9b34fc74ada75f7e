#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace opslab {

/// Bytes of a stream that wait to be sent, handed out in pieces that are kind to slow clients.
class PieceBuffer {
public:
    static constexpr std::size_t kPiece = std::size_t{64} * 1024;

    void add(std::string_view bytes) { bytes_.append(bytes); }
    [[nodiscard]] bool empty() const { return sent_ == bytes_.size(); }
    [[nodiscard]] std::size_t size() const { return bytes_.size() - sent_; }

    /// The next piece; empty where there is none.
    [[nodiscard]] std::string take() {
        if (sent_ == 0 && bytes_.size() <= kPiece) {
            return std::exchange(bytes_, {});
        }
        auto piece = bytes_.substr(sent_, kPiece);
        sent_ += piece.size();
        if (sent_ == bytes_.size()) {
            bytes_ = {};  // gives the memory of a long line back
            sent_ = 0;
        }
        return piece;
    }

private:
    std::string bytes_{};
    std::size_t sent_ = 0;
};

}  // namespace opslab
