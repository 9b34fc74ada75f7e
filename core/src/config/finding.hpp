#pragma once

#include "config/node.hpp"

#include <string>
#include <vector>

namespace opslab::config {

/// Something wrong with a configuration. Never holds a secret.
struct Finding {
    std::string file{};
    Mark mark{};        ///< of the value, or of its parent where it is missing; {0, 0}: the file
    std::string key{};  ///< `storage.postgres.pool_size`; empty where the text has none
    std::string problem{};  ///< `expected an integer from 1 to 200, found "ten"`

    /// `opslab.yaml:14:12: storage.postgres.pool_size: expected …`
    [[nodiscard]] std::string text() const;

    bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

/// By position, then key; exact duplicates and second findings on one place and key removed.
void sort_findings(Findings& findings);

/// One a line.
[[nodiscard]] std::string to_text(const Findings& findings);

}  // namespace opslab::config
