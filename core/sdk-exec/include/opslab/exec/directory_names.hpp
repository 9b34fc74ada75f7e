#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <vector>

namespace opslab::exec {

/// The names of all that a directory holds, in no order and without `.` and `..`; none where there
/// is no such directory. What comes or goes meanwhile may be in it or not. Threads: any. Fails:
/// `infrastructure`, naming the directory. May throw `std::bad_alloc`.
[[nodiscard]] RunnerResult<std::vector<std::string>> names_in(const std::string& directory);

}  // namespace opslab::exec
