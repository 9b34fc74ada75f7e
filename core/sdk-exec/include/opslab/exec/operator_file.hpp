#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <string_view>

namespace opslab::exec {

/// What is in a small file that the operator named: credentials, a table. Read it each time, so
/// that it may be replaced under a running opslab. Fails: `infrastructure`, naming `what` and the
/// path, where the file cannot be read, is empty or is over 1 MiB. Threads: any.
[[nodiscard]] RunnerResult<std::string> read_operator_file(
    std::string_view what, const std::string& path
);

}  // namespace opslab::exec
