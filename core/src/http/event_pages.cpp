#include "http/event_pages.hpp"

#include "base/json.hpp"
#include "domain/task_codec.hpp"
#include "http/task_queries.hpp"
#include "service/cursor.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace opslab {

namespace {

/// A read that nobody announced a change after is good for this long: word from another coordinator
/// may be lost, and then a look at the storage is all that is left.
constexpr Duration kGoodFor = std::chrono::seconds{1};
/// What is kept of a task for the next follower; a larger page is not: long histories are read a
/// few events at a time.
constexpr std::size_t kMostPages = 4;
constexpr std::size_t kMostKept = std::size_t{256} * 1024;

std::string scope_of(const TaskId& task) {
    return "events/" + task.value;
}

// compact JSON has no line break: one data line holds it
void add_frame(
    std::string& bytes,
    const TaskId& task,
    std::string_view name,
    const EventPosition& position,
    std::string_view data
) {
    fmt::format_to(
        std::back_inserter(bytes),
        "id: {}\nevent: {}\ndata: {}\n\n",
        seal_event_id(task, position),
        name,
        data
    );
}

}  // namespace

std::string seal_event_id(const TaskId& task, const EventPosition& position) {
    return seal_cursor(
        scope_of(task), {std::to_string(position.seq), position.ended ? "end" : "event"}
    );
}

std::optional<EventPosition> open_event_id(const TaskId& task, std::string_view id) {
    const auto values = open_cursor(scope_of(task), id, 2);
    if (!values) {
        return std::nullopt;
    }
    const auto seq = parse_position(values->front());
    const bool ended = values->back() == "end";
    if (!seq || (!ended && values->back() != "event")) {
        return std::nullopt;
    }
    return EventPosition{*seq, ended};
}

FollowedTask::FollowedTask(TaskService& tasks, Clock& clock, Task task)
    : tasks_(tasks),
      clock_(clock),
      task_(std::move(task)),
      subscription_(tasks.changes().on_task_changed(task_.id, [this] { ++version_; })) {}

EventPage FollowedTask::render(const std::vector<StoredEvent>& events, std::int64_t after) const {
    EventPage page{.bytes = {}, .last_seq = after};
    std::string bytes;
    for (const auto& event : events) {
        page.last_seq = event.seq;
        const EventPosition position{event.seq, false};
        if (const auto* status = std::get_if<StatusEvent>(&event.body)) {
            add_frame(bytes, task_.id, "status", position, dump_json(to_json(task_, *status)));
            page.terminal = is_terminal(status->status);
        } else if (const auto* log = std::get_if<LogEvent>(&event.body)) {
            const StoredLog entry{event.seq, event.attempt, *log};
            add_frame(bytes, task_.id, "log", position, dump_json(to_json(entry)));
        } else if (const auto* step = std::get_if<StepEvent>(&event.body)) {
            const StoredStep entry{event.attempt, *step};
            add_frame(bytes, task_.id, "step", position, dump_json(to_json(entry)));
        }
        // phases show in the task's detail and are no events
    }
    page.bytes = std::make_shared<const std::string>(std::move(bytes));
    return page;
}

const FollowedTask::Kept* FollowedTask::find(std::int64_t after, int limit, SteadyTime now) const {
    const auto version = version_.load();
    const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
        return kept.after == after && kept.version == version && kept.limit >= limit &&
               now - kept.read_at < kGoodFor;
    });
    return found == kept_.end() ? nullptr : &*found;
}

void FollowedTask::keep(Kept kept) {
    std::erase_if(kept_, [&](const Kept& old) {
        return old.after == kept.after || old.version != kept.version;
    });
    kept_.push_front(std::move(kept));
    std::size_t bytes = 0;
    std::size_t count = 0;
    for (const auto& one : kept_) {
        bytes += one.page.bytes->size();
        if (count == kMostPages || bytes > kMostKept) {
            break;
        }
        ++count;
    }
    kept_.resize(count);
}

Result<EventPage> FollowedTask::read(std::int64_t after, int limit) {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    if (const auto* kept = find(after, limit, now)) {
        return kept->page;
    }
    const auto version = version_.load();  // before the read: a change during it makes it old
    const auto events = tasks_.events(task_.id, after, limit);
    if (!events) {
        return fail(events.error());
    }
    auto page = render(*events, after);
    page.whole = events->size() < static_cast<std::size_t>(limit);
    keep({after, limit, version, now, page});
    return page;
}

void FollowedTask::note_ended() {
    if (!ended_.exchange(true)) {
        ++version_;  // the end may be another coordinator's, and word of it may be lost
    }
}

Result<SharedBytes> FollowedTask::end(std::int64_t seq) {
    const std::lock_guard lock(mutex_);
    if (!end_) {
        const auto detail = tasks_.detail(task_.id);
        if (!detail) {
            return fail(detail.error());
        }
        std::string bytes;
        add_frame(bytes, task_.id, "end", {seq, true}, dump_json(to_json(*detail)));
        end_ = std::make_shared<const std::string>(std::move(bytes));
    }
    return end_;
}

std::shared_ptr<FollowedTask> FollowedTasks::of(Task task) {
    const std::lock_guard lock(mutex_);
    if (followed_.size() >= sweep_at_) {
        std::erase_if(followed_, [](const auto& entry) { return entry.second.expired(); });
        sweep_at_ = 64 + 2 * followed_.size();
    }
    const bool ended = is_terminal(task.status);
    auto& place = followed_[task.id.value];
    auto followed = place.lock();
    if (!followed) {
        followed = std::make_shared<FollowedTask>(tasks_, clock_, std::move(task));
        place = followed;
    }
    if (ended) {
        followed->note_ended();
    }
    return followed;
}

}  // namespace opslab
