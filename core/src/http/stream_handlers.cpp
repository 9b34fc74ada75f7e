#include "domain/task_codec.hpp"
#include "http/event_stream.hpp"
#include "http/gzip_stream.hpp"
#include "http/request_fields.hpp"
#include "http/task_handlers.hpp"
#include "http/trajectory_stream.hpp"

#include <memory>
#include <utility>

namespace opslab {

namespace {

constexpr std::string_view kLastEventId = "Last-Event-ID";
constexpr std::int64_t kMaxFeedWait = 300;

/// Whether the task's history holds that event: an id from the future would wait for ever.
Result<bool> exists(TaskService& tasks, const TaskId& task, std::int64_t seq) {
    if (seq == 0) {
        return false;
    }
    const auto found = tasks.events(task, seq - 1, 1);
    if (!found) {
        return fail(found.error());
    }
    return !found->empty() && found->front().seq == seq;
}

}  // namespace

void TaskHandlers::events(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    const auto id = fields.path_task();
    fields.finish_query();
    EventPosition position;
    const auto last = request.headers.find(kLastEventId);
    if (last && fields.good()) {
        const auto opened = open_event_id(id, *last);
        const auto known = opened ? exists(tasks_, id, opened->seq) : Result<bool>(false);
        if (!known) {
            responder.fail(known.error());
            return;
        }
        position = opened.value_or(EventPosition{});
        if (!*known) {
            fields.refuse(kLastEventId, "is no id of an event of this task");
        }
    }
    const auto detail = id.value.empty() ? Result<TaskDetail>(TaskDetail{}) : tasks_.detail(id);
    if (!detail) {
        responder.fail(detail.error());  // an unknown task is 404, whatever the id of the event
        return;
    }
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    if (position.ended) {
        // all was said; 204 tells an EventSource not to come again
        responder.respond({.status = 204});
        return;
    }
    StreamHead head;
    head.headers.add("Cache-Control", "no-cache");
    head.headers.add("X-Accel-Buffering", "no");
    responder.stream(
        std::move(head),
        std::make_unique<EventStream>(
            tasks_, clock_, followed_->of(detail->task), detail->task.status, position.seq
        )
    );
}

void TaskHandlers::feed(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    FeedQuery query;
    if (const auto cursor = fields.text("since_cursor", 0, 1024)) {
        const auto position = open_feed_cursor(*cursor);
        if (!position) {
            fields.refuse("since_cursor", "is no cursor of this feed");
        }
        query.after = position.value_or(0);
    }
    query.problem_id = fields.text("problem_id", 1, 255);
    query.group_id = fields.text("group_id", 1, 255);
    if (const auto status =
            fields.word("status", {"completed", "failed", "timeout", "cancelled"})) {
        query.status = task_status_from(*status);
    }
    fields.word("format", {"jsonl"});
    const auto wait = fields.integer("wait_seconds", 0, kMaxFeedWait).value_or(0);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    // the answer's head is sent only once the storage answers: a 503 stays a 503
    auto probe = query;
    probe.limit = 1;
    if (const auto page = tasks_.feed(probe); !page) {
        responder.fail(page.error());
        return;
    }
    StreamHead head{.content_type = "application/x-ndjson"};
    head.headers.add("Vary", "Accept-Encoding");
    std::unique_ptr<StreamSource> lines = std::make_unique<TrajectoryStream>(
        tasks_, clock_, std::move(query), std::chrono::seconds{wait}
    );
    if (accepts_gzip(request.headers)) {
        lines = gzip_stream(std::move(lines));
        if (!lines) {
            responder.fail(Error{
                .code = Errc::exhausted, .message = "there is no memory to compress the feed"});
            return;
        }
        head.headers.add("Content-Encoding", "gzip");
    }
    responder.stream(std::move(head), std::move(lines));
}

}  // namespace opslab
