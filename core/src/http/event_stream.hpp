#pragma once

#include "http/message.hpp"
#include "http/piece_buffer.hpp"
#include "service/task_service.hpp"

#include <opslab/task.hpp>
#include <opslab/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace opslab {

/// Where a client of a task's events stopped.
struct EventPosition {
    std::int64_t seq = 0;  ///< of the last event it has
    bool ended = false;    ///< it has the `end` too
};

/// Event ids: opaque for clients, good for one task only.
[[nodiscard]] std::string seal_event_id(const TaskId& task, const EventPosition& position);
[[nodiscard]] std::optional<EventPosition> open_event_id(const TaskId& task, std::string_view id);

/// A task's history as Server-Sent Events, then what comes: `status`, `log`, `step`, and `end`
/// once the task is terminal. A comment every 15 s keeps the connection. Ends after `end`; cut off
/// where the storage fails, and the client comes back with its last id.
class EventStream final : public StreamSource {
public:
    static constexpr Duration kHeartbeat = std::chrono::seconds{15};

    /// `task` gives the immutable fields; events after `after` are sent.
    EventStream(TaskService& tasks, Clock& clock, Task task, std::int64_t after);

    void start(StreamWaker waker) override;
    [[nodiscard]] StreamStep next() override;

private:
    [[nodiscard]] bool read_page();
    [[nodiscard]] bool add_end();
    void add_event(const StoredEvent& event);
    void add_frame(std::string_view name, const EventPosition& position, std::string_view data);

    TaskService& tasks_;
    Clock& clock_;
    Task task_;
    std::int64_t seq_;
    int page_;  // events in a read: fewer where they are long
    bool terminal_ = false;
    SteadyTime last_sent_;
    PieceBuffer pending_;
    ChangeHub::Subscription subscription_;
};

}  // namespace opslab
