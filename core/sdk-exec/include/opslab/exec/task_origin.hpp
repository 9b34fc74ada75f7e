#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace opslab::exec {

/// The variables by which a driver can tell where its task came from, as far as `task_json` (see
/// RunRequest) says it: TRACEPARENT (W3C Trace Context) and OPSLAB_REQUEST_ID (the submitting
/// client's own X-Request-ID). Looks at the object's own members only.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> origin_variables(
    std::string_view task_json
);

}  // namespace opslab::exec
