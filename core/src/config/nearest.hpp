#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace opslab::config {

/// The name that was probably meant: the one with the fewest edits (a swap of neighbours is one)
/// where these are at most a third of the word (and at least one is allowed). Nothing if none is
/// near.
[[nodiscard]] std::optional<std::string> nearest(
    std::string_view word, std::span<const std::string> known
);

/// `; did you mean "pool_size"?`, or nothing.
[[nodiscard]] std::string hint(std::string_view word, std::span<const std::string> known);

}  // namespace opslab::config
