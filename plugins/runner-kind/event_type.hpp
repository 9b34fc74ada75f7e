#pragma once

#include <string>
#include <string_view>

namespace opslab::runner_kind {

/// The `type` of a driver's event, any bytes; empty where it has none.
[[nodiscard]] std::string event_type(std::string_view json);

}  // namespace opslab::runner_kind
