#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

namespace opslab {

/// Bytes of a stream that wait to be sent, shared with other streams, handed out in pieces that are
/// kind to slow clients: what a stream holds for itself is one piece.
class SharedPieces {
public:
    static constexpr std::size_t kPiece = std::size_t{64} * 1024;

    void add(std::shared_ptr<const std::string> bytes) {
        if (bytes && !bytes->empty()) {
            size_ += bytes->size();
            chunks_.push_back(std::move(bytes));
        }
    }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// The next piece; empty where there is none.
    [[nodiscard]] std::string take() {
        std::string piece;
        piece.reserve(std::min(size_, kPiece));
        while (!chunks_.empty() && piece.size() < kPiece) {
            const auto& chunk = *chunks_.front();
            const auto count = std::min(kPiece - piece.size(), chunk.size() - sent_);
            piece.append(chunk, sent_, count);
            sent_ += count;
            if (sent_ == chunk.size()) {
                chunks_.pop_front();
                sent_ = 0;
            }
        }
        size_ -= piece.size();
        return piece;
    }

private:
    std::deque<std::shared_ptr<const std::string>> chunks_{};
    std::size_t sent_ = 0;  // of the first chunk
    std::size_t size_ = 0;
};

}  // namespace opslab
