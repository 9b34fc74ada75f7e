#pragma once

#include "base/json.hpp"

#include <opslab/task.hpp>

#include <optional>
#include <string>
#include <vector>

namespace opslab {

/// Settings that fill what a request leaves out.
struct TaskDefaults {
    int max_retries = 0;
};

/// Reads a TaskRequest. Everything that is wrong is noted in `errors`, with pointers below
/// `pointer`; nothing is answered then. The id stays empty: the service gives it.
[[nodiscard]] std::optional<NewTask> decode_task_request(
    const Json& request,
    const std::string& pointer,
    const TaskDefaults& defaults,
    std::vector<FieldError>& errors
);

}  // namespace opslab
