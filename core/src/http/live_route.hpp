#pragma once

#include "http/router.hpp"

#include <string>

namespace opslab {

/// `GET /live` of every server of ours: the process is up, whatever else is not. Never blocks.
[[nodiscard]] Route live_route(std::string operation_id);

}  // namespace opslab
