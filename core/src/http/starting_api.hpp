#pragma once

#include "http/router.hpp"

#include <opslab/error.hpp>

namespace opslab {

/// The routes of a coordinator whose storage is not open yet: `/live` alone.
[[nodiscard]] Router make_starting_api();

/// What every other path is answered with meanwhile.
[[nodiscard]] Error starting_error();

}  // namespace opslab
