#pragma once

#include "config/node.hpp"

#include <opslab/error.hpp>

#include <string>
#include <string_view>

namespace opslab::config {

/// Strict JSON (base/json.hpp) as a node, without marks. Errors: `invalid_argument`.
[[nodiscard]] Result<Node> node_from_json(std::string_view text);

/// Compact JSON text. Integers stay integers.
[[nodiscard]] std::string node_to_json(const Node& node);

}  // namespace opslab::config
