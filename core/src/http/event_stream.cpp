#include "http/event_stream.hpp"

#include "base/json.hpp"
#include "domain/task_codec.hpp"
#include "http/task_queries.hpp"
#include "service/cursor.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace opslab {

namespace {

constexpr int kFirstPage = 16;
constexpr int kMaxPage = 256;
constexpr std::size_t kLongPage = std::size_t{256} * 1024;

std::string scope_of(const TaskId& task) {
    return "events/" + task.value;
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

EventStream::EventStream(TaskService& tasks, Clock& clock, Task task, std::int64_t after)
    : tasks_(tasks),
      clock_(clock),
      task_(std::move(task)),
      seq_(after),
      page_(kFirstPage),
      last_sent_(clock.steady()) {
    // sends the head at once, also where there is nothing to replay
    pending_.add(": events of one task\n\n");
}

void EventStream::start(StreamWaker waker) {
    subscription_ = tasks_.changes().on_task_changed(task_.id, [waker] { waker.wake(); });
}

void EventStream::add_frame(
    std::string_view name, const EventPosition& position, std::string_view data
) {
    // compact JSON has no line break: one data line holds it
    pending_.add(fmt::format(
        "id: {}\nevent: {}\ndata: {}\n\n", seal_event_id(task_.id, position), name, data
    ));
}

void EventStream::add_event(const StoredEvent& event) {
    seq_ = event.seq;
    const EventPosition position{event.seq, false};
    if (const auto* status = std::get_if<StatusEvent>(&event.body)) {
        add_frame("status", position, dump_json(to_json(task_, *status)));
        terminal_ = is_terminal(status->status);
    } else if (const auto* log = std::get_if<LogEvent>(&event.body)) {
        const StoredLog entry{event.seq, event.attempt, *log};
        add_frame("log", position, dump_json(to_json(entry)));
    } else if (const auto* step = std::get_if<StepEvent>(&event.body)) {
        add_frame("step", position, dump_json(to_json(StoredStep{event.attempt, *step})));
    }
    // phases show in the task's detail and are no events
}

bool EventStream::read_page() {
    const auto events = tasks_.events(task_.id, seq_, page_);
    if (!events) {
        return false;
    }
    const auto before = pending_.size();
    for (const auto& event : *events) {
        add_event(event);
    }
    const bool is_long = pending_.size() - before > kLongPage;
    page_ = is_long ? std::max(1, page_ / 2) : std::min(kMaxPage, page_ * 2);
    return true;
}

bool EventStream::add_end() {
    const auto detail = tasks_.detail(task_.id);
    if (!detail) {
        return false;
    }
    add_frame("end", {seq_, true}, dump_json(to_json(*detail)));
    return true;
}

StreamStep EventStream::next() {
    bool more = true;
    while (more && !terminal_ && pending_.size() < PieceBuffer::kPiece) {
        const auto before = seq_;
        if (!read_page()) {
            return StreamStep::abort();
        }
        more = seq_ != before;
        if (terminal_ && !add_end()) {
            return StreamStep::abort();
        }
    }
    const auto now = clock_.steady();
    if (pending_.empty() && now >= last_sent_ + kHeartbeat) {
        pending_.add(": still here\n\n");
    }
    if (pending_.empty()) {
        return StreamStep::wait({}, last_sent_ + kHeartbeat);
    }
    last_sent_ = now;
    auto piece = pending_.take();
    if (!pending_.empty()) {
        return StreamStep::more(std::move(piece));
    }
    if (terminal_) {
        return StreamStep::end(std::move(piece));
    }
    return more ? StreamStep::more(std::move(piece))
                : StreamStep::wait(std::move(piece), now + kHeartbeat);
}

}  // namespace opslab
