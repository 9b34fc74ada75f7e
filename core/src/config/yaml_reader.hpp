#pragma once

#include "config/finding.hpp"
#include "config/node.hpp"
#include "config/settings.hpp"

#include <string>
#include <string_view>

namespace opslab::config {

inline constexpr std::size_t kMaxFileBytes = 1024 * 1024;
inline constexpr int kMaxYamlDepth = 32;

/// One YAML document as a node, `${…}` put in. What YAML would pass over in silence is a finding:
/// duplicate keys, aliases and anchors, merge keys, tags, a second document, bytes that are no
/// UTF-8. An empty document is an empty object. After a finding the node is as good as it got.
[[nodiscard]] Node read_yaml(
    std::string_view text,
    const std::string& file,
    const Environment& environment,
    Findings& findings
);

}  // namespace opslab::config
