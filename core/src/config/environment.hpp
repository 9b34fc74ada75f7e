#pragma once

#include "config/settings.hpp"

#include <opslab/error.hpp>

#include <string>
#include <string_view>

namespace opslab::config {

struct Expanded {
    std::string text{};
    bool from_environment = false;  ///< also where only a default was taken
};

/// Puts in `${NAME}` and `${NAME:-default}` (unset or empty takes the default, which is not
/// expanded again); `$${` stands for `${`. Errors: `invalid_argument`, without any value.
[[nodiscard]] Result<Expanded> expand(std::string_view text, const Environment& environment);

}  // namespace opslab::config
