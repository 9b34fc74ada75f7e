#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace opslab::cli {

struct SseEvent {
    std::string type{"message"};
    std::string data{};
    std::string id{};  ///< the last id that the stream gave, also by an earlier event
};

/// Splits a byte stream into Server-Sent Events as the HTML standard says (lines end in LF, CR or
/// CRLF; comments and unknown fields are nothing; an event without data is none). Pieces may end
/// anywhere. An event over `max_bytes` makes `feed` answer false from then on.
class SseParser {
public:
    /// `on_event` answers whether to go on.
    explicit SseParser(
        std::function<bool(const SseEvent&)> on_event, std::size_t max_bytes = 64UL * 1024 * 1024
    );

    /// False where the events should stop: `on_event` said so, or one was too large.
    [[nodiscard]] bool feed(std::string_view piece);

    /// Whether the stream was ended by an event larger than the bound.
    [[nodiscard]] bool overflowed() const { return overflowed_; }

private:
    [[nodiscard]] bool end_line();
    void take_field(std::string_view name, std::string_view value);

    std::function<bool(const SseEvent&)> on_event_;
    std::size_t max_bytes_;
    std::string line_;
    SseEvent event_;
    bool has_data_ = false;
    bool after_cr_ = false;
    bool first_line_ = true;
    bool overflowed_ = false;
};

}  // namespace opslab::cli
