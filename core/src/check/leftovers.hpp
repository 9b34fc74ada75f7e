#pragma once

#include <string>
#include <vector>

namespace opslab::check {

/// What of a run can be seen from here: processes whose environment or command line, and files
/// under `state_dir` whose path, holds the run's id; and each line that `program` (none where it is
/// empty) prints when it is called with the run's id and the state directory.
[[nodiscard]] std::vector<std::string> leftovers_of(
    const std::string& program, const std::string& state_dir, const std::string& run_id
);

}  // namespace opslab::check
