#pragma once

#include "config/node.hpp"

#include <string>

namespace opslab::config {

enum class Quoting { plain, quoted };

/// What a YAML scalar means. Quoted: a string. Plain: `null`, `~` or nothing; `true` or `false`;
/// decimal integers and numbers as JSON writes them; everything else is a string (`yes`, `010`,
/// `0x1f` and `.inf` too, so that a setting of another type refuses them).
[[nodiscard]] Node scalar_node(std::string text, Quoting quoting);

}  // namespace opslab::config
