#pragma once

#include <opslab/runner.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace opslab::exec {

/// The longest line that is delivered whole (contract: over 1 MiB is cut and marked).
inline constexpr std::size_t kMaxLine = std::size_t{1} << 20;

/// Takes the lines that a `LineSplitter` finds.
class LineTaker {
public:
    LineTaker() = default;
    LineTaker(const LineTaker&) = delete;
    LineTaker& operator=(const LineTaker&) = delete;
    virtual ~LineTaker() = default;

    /// One line without its line feed; any bytes; valid during the call.
    [[nodiscard]] virtual SinkAnswer line(std::string_view text, bool truncated) = 0;
};

/// Cuts a stream of any bytes, in pieces of any size, into lines. Holds at most `max_line` bytes,
/// so a line without an end costs no more than that. Threads: one at a time.
class LineSplitter {
public:
    explicit LineSplitter(std::size_t max_line = kMaxLine) : max_line_(max_line) {}

    struct Fed {
        std::size_t taken = 0;  ///< bytes used up; less than given where the taker left off
        SinkAnswer answer = SinkAnswer::go_on;
    };

    /// Gives each whole line to `taker`. Stops after the line at which it wants to leave off; the
    /// caller keeps the bytes behind `taken` and feeds them again later.
    [[nodiscard]] Fed feed(std::string_view bytes, LineTaker& taker);

    /// The end of the stream: gives a last line that had no line feed, if there is one.
    [[nodiscard]] SinkAnswer finish(LineTaker& taker);

private:
    [[nodiscard]] SinkAnswer deliver(std::string_view piece, LineTaker& taker);
    void keep(std::string_view piece);
    void forget();

    std::size_t max_line_;
    std::string partial_{};
    bool is_cut_ = false;
};

}  // namespace opslab::exec
