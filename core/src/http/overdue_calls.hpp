#pragma once

#include "base/json.hpp"

#include <opslab/time.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace opslab {

/// A call into a plugin of this process that should have returned.
struct OverduePluginCall {
    std::string plugin{};  ///< `runner-docker`
    std::string runner{};  ///< as configured; empty for a storage
    std::string call{};
    Duration age{0};
    std::optional<std::string> worker_id{};  ///< whose call it is, where known
    std::optional<std::string> task_id{};
};

/// Those of this moment. Threads: from any. Never blocks for long. Empty: nobody watches them.
using OverdueCallSource = std::function<std::vector<OverduePluginCall>()>;

/// `calls` as health answers show them.
[[nodiscard]] inline Json overdue_json(const std::vector<OverduePluginCall>& calls) {
    Json list = Json::array();
    for (const auto& call : calls) {
        list.push_back({
            {"plugin", call.plugin},
            {"runner", call.runner.empty() ? Json(nullptr) : Json(call.runner)},
            {"call", call.call},
            {"seconds", std::chrono::duration_cast<std::chrono::seconds>(call.age).count()},
            {"worker_id", call.worker_id ? Json(*call.worker_id) : Json(nullptr)},
            {"task_id", call.task_id ? Json(*call.task_id) : Json(nullptr)},
        });
    }
    return list;
}

}  // namespace opslab
