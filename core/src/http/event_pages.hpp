#pragma once

#include "service/task_service.hpp"

#include <opslab/task.hpp>
#include <opslab/time.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace opslab {

/// Where a client of a task's events stopped.
struct EventPosition {
    std::int64_t seq = 0;  ///< of the last event it has
    bool ended = false;    ///< it has the `end` too
};

/// Event ids: opaque for clients, good for one task only.
[[nodiscard]] std::string seal_event_id(const TaskId& task, const EventPosition& position);
[[nodiscard]] std::optional<EventPosition> open_event_id(const TaskId& task, std::string_view id);

/// Bytes that many followers send.
using SharedBytes = std::shared_ptr<const std::string>;

/// A stretch of a task's history as frames of Server-Sent Events.
struct EventPage {
    SharedBytes bytes{};  ///< empty where there was nothing
    std::int64_t last_seq = 0;
    bool terminal = false;  ///< its last status is one
    bool whole = false;     ///< there was nothing behind it
};

/// The events of one task for all of its followers: the followers that stand at the same place
/// share one read of the storage and one rendering. Threads: all calls from any.
class FollowedTask {
public:
    FollowedTask(TaskService& tasks, Clock& clock, Task task);

    /// What comes after `after`, at most `limit` events; where another follower asked for the same
    /// since the last change, its answer.
    [[nodiscard]] Result<EventPage> read(std::int64_t after, int limit);
    /// The `end` frame of a terminal task.
    [[nodiscard]] Result<SharedBytes> end(std::int64_t seq);

    /// The task was seen ended: what was read before that is not looked at again.
    void note_ended();

    [[nodiscard]] const TaskId& id() const { return task_.id; }

private:
    struct Kept {
        std::int64_t after = 0;
        int limit = 0;
        std::uint64_t version = 0;
        SteadyTime read_at{};
        EventPage page{};
    };
    [[nodiscard]] EventPage render(const std::vector<StoredEvent>& events, std::int64_t after)
        const;

    [[nodiscard]] const Kept* find(std::int64_t after, int limit, SteadyTime now) const;
    void keep(Kept kept);

    TaskService& tasks_;
    Clock& clock_;
    const Task task_;  // its immutable fields alone count
    std::atomic<std::uint64_t> version_{0};
    std::atomic<bool> ended_{false};
    std::mutex mutex_;         // held during a read, which the others then need not do
    std::deque<Kept> kept_{};  // newest first; few: followers stand at few places
    SharedBytes end_{};
    // subscribed before any follower, so that it is told before them; last: it calls into this
    ChangeHub::Subscription subscription_;
};

/// The followed tasks of one coordinator. A task stays as long as it has a follower.
class FollowedTasks {
public:
    FollowedTasks(TaskService& tasks, Clock& clock) : tasks_(tasks), clock_(clock) {}

    [[nodiscard]] std::shared_ptr<FollowedTask> of(Task task);

private:
    TaskService& tasks_;
    Clock& clock_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::weak_ptr<FollowedTask>> followed_{};
    std::size_t sweep_at_ = 64;
};

}  // namespace opslab
