#pragma once

#include "config/finding.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace opslab::daemon {

/// Exit code of a process whose configuration is refused (docs/cli.md).
inline constexpr int kBadConfiguration = 2;

/// Tells the operator on standard error all that is wrong; returns the exit code.
inline int refuse(const config::Findings& findings) {
    fmt::print(stderr, "{}\n", config::to_text(findings));
    return kBadConfiguration;
}

}  // namespace opslab::daemon
