#pragma once

#include "config/finding.hpp"
#include "config/node.hpp"
#include "config/settings.hpp"

namespace opslab::config {

/// The typed settings of a checked tree; what is of a wrong kind there stays at its default.
[[nodiscard]] Settings decode_settings(const Node& checked, const std::string& file);

/// Rules between settings, which a schema cannot say. `written` is the tree as it was given.
void check_rules(const Settings& settings, const Node& written, Findings& findings);

}  // namespace opslab::config
