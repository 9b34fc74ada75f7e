#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace opslab::cli {

enum class Colour : std::uint8_t { none, dim, green, yellow, red, blue };

/// Standard output and standard error of this run: what a person reads, in colour where both are
/// wanted. Text given to it must be `printable` already.
class Terminal {
public:
    /// Looks at the streams and at `NO_COLOR` and `TERM`.
    [[nodiscard]] static Terminal detect();

    /// Writes a line to standard output, first taking away the progress line if one is shown.
    void line(std::string_view text);

    /// Writes a line to standard error.
    void complain(std::string_view text);

    /// Shows `text` as the one line that changes, cut to the width of the terminal. Does nothing
    /// where standard output is no terminal.
    void progress(std::string_view text);

    /// Takes the progress line away.
    void clear_progress();

    [[nodiscard]] std::string paint(Colour colour, std::string_view text) const;

    [[nodiscard]] bool is_interactive() const { return interactive_; }

private:
    Terminal(bool interactive, bool colours);

    bool interactive_;
    bool colours_;
    bool progress_shown_ = false;
};

/// The colour in which a task's or worker's status is shown.
[[nodiscard]] Colour colour_of_status(std::string_view status);

}  // namespace opslab::cli
