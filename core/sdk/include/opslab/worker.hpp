#pragma once

#include <opslab/ids.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

enum class WorkerStatus : std::uint8_t { idle, busy, offline };

[[nodiscard]] constexpr const char* to_string(WorkerStatus status) {
    switch (status) {
        case WorkerStatus::idle:
            return "idle";
        case WorkerStatus::busy:
            return "busy";
        case WorkerStatus::offline:
            return "offline";
    }
    return "offline";
}

/// A worker as it registers. `capabilities_json` is the object as given (other keys pass through);
/// the two fields that the claim needs stand beside it, checked.
struct NewWorker {
    WorkerId id{};
    std::string backend_type{};
    int max_parallel_tasks = 1;                     ///< slots, 1 to 1,000
    std::vector<std::string> supported_problems{};  ///< globs (`glob_match`); empty means all
    std::string capabilities_json{"{}"};
    std::string metadata_json{"{}"};

    bool operator==(const NewWorker&) const = default;
};

struct Worker {
    WorkerId id{};
    std::string backend_type{};
    WorkerStatus status = WorkerStatus::idle;
    Timestamp last_heartbeat{};
    std::optional<TaskId> current_task_id{};
    int max_parallel_tasks = 1;
    std::vector<std::string> supported_problems{};
    std::string capabilities_json{"{}"};
    std::string metadata_json{"{}"};
    Timestamp registered_at{};
    std::int64_t tasks_completed = 0;
    std::int64_t tasks_failed = 0;
    /// Why it claims nothing for now, in its own words; none where it claims.
    std::optional<std::string> circuit_open{};

    bool operator==(const Worker&) const = default;
};

/// Matches a problem id against a glob: `*` is any run of characters, `?` any one byte, everything
/// else stands for itself. Linear time for any input (no recursion, one point to go back to).
[[nodiscard]] constexpr bool glob_match(std::string_view glob, std::string_view text) {
    std::size_t g = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        if (g < glob.size() && glob[g] == '*') {
            star = g++;
            resume = t;
        } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
            ++g;
            ++t;
        } else if (star != std::string_view::npos) {
            g = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (g < glob.size() && glob[g] == '*') {
        ++g;
    }
    return g == glob.size();
}

}  // namespace opslab
