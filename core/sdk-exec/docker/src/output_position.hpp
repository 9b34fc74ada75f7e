#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opslab::docker {

/// How far one stream of a container's log was delivered: every message before `at_ns`, and the
/// first `count` of those with just that time stamp.
struct StreamMark {
    std::int64_t at_ns = 0;
    std::int64_t count = 0;

    bool operator==(const StreamMark&) const = default;
};

/// The text that `wait` gives as a position. Each stream has its own mark, since the engine stamps
/// the two apart and does not keep them in order.
struct OutputPosition {
    std::int64_t from_ns = 0;           ///< nothing before this is missing
    std::array<StreamMark, 2> marks{};  ///< stdout, stderr

    [[nodiscard]] std::string text() const;
    [[nodiscard]] static std::optional<OutputPosition> parse(std::string_view text);
};

/// RFC 3339 with up to nine digits of a second's fraction as nanoseconds of Unix time.
[[nodiscard]] std::optional<std::int64_t> parse_stamp(std::string_view text);

}  // namespace opslab::docker
