#pragma once

#include "http/request_fields.hpp"

#include <opslab/storage.hpp>

#include <optional>
#include <string>

/// The queries of lists: filters, sort and the cursors that are bound to them.
namespace opslab {

/// `GET /tasks` as it was asked.
struct TaskListRequest {
    TaskQuery query{};
    std::int64_t offset = 0;  ///< as given, for the answer
    std::string scope{};      ///< what cursors of this list are bound to
};

/// Reads sort, filters and page; wrong ones are noted in `fields`.
[[nodiscard]] TaskListRequest read_task_list(RequestFields& fields);

/// The cursor behind the page's last task; nothing at the end of the list.
[[nodiscard]] std::optional<std::string> next_cursor(
    const TaskListRequest& request, const TaskPage& page
);

/// `GET /tasks/{id}/logs` as it was asked.
struct LogListRequest {
    LogQuery query{};
    std::string scope{};
};

[[nodiscard]] LogListRequest read_log_list(const TaskId& task, RequestFields& fields);

/// Where to go on from; always given, so that a log can be followed.
[[nodiscard]] std::string next_cursor(
    const LogListRequest& request, const std::vector<StoredLog>& logs
);

/// A whole decimal number that is not negative; nothing where `text` is none.
[[nodiscard]] std::optional<std::int64_t> parse_position(std::string_view text);

}  // namespace opslab
