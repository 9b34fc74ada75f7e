#pragma once

#include "settings.hpp"

#include <string>

namespace opslab::runner_kind {

/// The kind configuration for clusters of `spec` where the operator gave none (JSON, which is YAML
/// too).
[[nodiscard]] std::string cluster_config(const ClusterSpec& spec);

}  // namespace opslab::runner_kind
