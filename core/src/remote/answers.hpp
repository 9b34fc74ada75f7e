#pragma once

#include "base/json.hpp"

#include <opslab/storage.hpp>

#include <string>
#include <vector>

/// What a coordinator's answers say to a worker, and how a worker's reports are written. Keys that
/// are not known are let pass: the coordinator may be newer.
namespace opslab {

/// Levels of JSON in an answer: a task's own objects may have 64 of their own.
inline constexpr int kMaxAnswerDepth = 128;

/// Errors of all: `unavailable`, since what answers is no coordinator (a proxy's page, say).
[[nodiscard]] Result<Task> read_task(const Json& answer);
[[nodiscard]] Result<Worker> read_worker(const Json& answer);
[[nodiscard]] Result<HeartbeatReceipt> read_heartbeat(const Json& answer);
[[nodiscard]] Result<ReportReceipt> read_receipt(const Json& answer);
/// `{"tasks": […]}` of a claim.
[[nodiscard]] Result<std::vector<ClaimedTask>> read_claimed(const Json& answer);
/// The same of `GET /workers/{id}/tasks`.
[[nodiscard]] Result<std::vector<RunningAttempt>> read_running(const Json& answer);

/// The error form; where the answer has not that form it is not the coordinator's. `request_id`,
/// where given, is named for what went wrong over there: the coordinator's log knows more under it.
[[nodiscard]] Error read_error(
    long status, const std::string& body, const std::string& request_id = {}
);

/// One event as it is posted. What a driver may say and a post may not (keys of a later driver, too
/// many levels) is left out.
[[nodiscard]] std::string write_event(const RunEvent& event);

}  // namespace opslab
