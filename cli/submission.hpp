#pragma once

#include <opslab/error.hpp>

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::cli {

/// The fields of a task as they are given on the command line. What is absent is left to the
/// coordinator's defaults; bounds are the coordinator's to check, so that they exist once.
struct TaskFields {
    std::string problem{};
    std::string agent_config{};  ///< a JSON object, or `@file` with one
    std::string metadata{};      ///< likewise
    std::optional<int> max_steps{};
    std::optional<int> timeout_minutes{};
    std::optional<int> priority{};
    std::optional<int> retries{};
    std::string backend{};
    std::string group{};
    std::string callback_url{};
};

/// The most tasks that one call may submit.
inline constexpr std::size_t kMaxBatch = 1000;

/// The request for one task. `invalid_argument` where a JSON option is no object or a file cannot
/// be read.
[[nodiscard]] Result<nlohmann::json> task_request(const TaskFields& fields);

/// The requests in the text of a file: one task object, an array of them, `{"tasks": […]}`, or one
/// object a line. `invalid_argument` says where it is none of these.
[[nodiscard]] Result<std::vector<nlohmann::json>> task_requests(std::string_view text);

/// All of a file, `-` being standard input; at most 64 MiB.
[[nodiscard]] Result<std::string> read_input(const std::string& path);

}  // namespace opslab::cli
