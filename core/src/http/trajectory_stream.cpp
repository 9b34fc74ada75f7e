#include "http/trajectory_stream.hpp"

#include "base/json.hpp"
#include "domain/task_codec.hpp"
#include "http/problem.hpp"
#include "http/task_queries.hpp"
#include "service/cursor.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

constexpr std::string_view kScope = "trajectories";
// The safety net: whoever ends an attempt, here or on another coordinator, wakes us.
constexpr Duration kLook = std::chrono::minutes{1};
constexpr int kPage = 16;

}  // namespace

std::string seal_feed_cursor(std::int64_t position) {
    return seal_cursor(kScope, {std::to_string(position)});
}

std::optional<std::int64_t> open_feed_cursor(std::string_view cursor) {
    const auto values = open_cursor(kScope, cursor, 1);
    return values ? parse_position(values->front()) : std::nullopt;
}

TrajectoryStream::TrajectoryStream(TaskService& tasks, Clock& clock, FeedQuery query, Duration wait)
    : tasks_(tasks), clock_(clock), query_(std::move(query)), wait_(wait), newest_(clock.steady()) {
    query_.limit = kPage;
}

void TrajectoryStream::start(StreamWaker waker) {
    if (wait_ > Duration{0}) {
        subscription_ = tasks_.changes().on_attempt_finished([waker] { waker.wake(); });
    }
}

Status TrajectoryStream::read_page() {
    auto page = tasks_.feed(query_);
    if (!page) {
        return fail(page.error());
    }
    query_.after = page->position;
    more_ = page->more;
    attempts_.assign(
        std::make_move_iterator(page->attempts.begin()),
        std::make_move_iterator(page->attempts.end())
    );
    return {};
}

Status TrajectoryStream::add_line(const FinishedAttempt& finished) {
    const auto detail = tasks_.detail(finished.task);
    const auto steps = tasks_.steps(finished.task, finished.attempt.attempt);
    if (!detail || !steps) {
        return fail(detail ? steps.error() : detail.error());
    }
    Json list = Json::array();
    for (const auto& step : *steps) {
        list.push_back(to_json(step));
    }
    const auto& result = finished.result;
    const auto& failure = finished.attempt.failure;
    const Json line = {
        {"cursor", seal_feed_cursor(finished.position)},
        {"task", to_json(*detail)},
        {"attempt", finished.attempt.attempt},
        {"status", to_string(finished.attempt.status)},
        {"steps", std::move(list)},
        {"result", to_json(result)},
        {"reward", result && result->reward ? Json(*result->reward) : Json(nullptr)},
        {"failure", failure ? to_json(*failure) : Json(nullptr)},
    };
    pending_.add(dump_json(line));
    pending_.add("\n");
    newest_ = clock_.steady();
    return {};
}

StreamStep TrajectoryStream::next() {
    // the first line is not kept back until a whole piece is there
    const auto enough = begun_ ? PieceBuffer::kPiece : 1;
    while (pending_.size() < enough) {
        if (attempts_.empty()) {
            if (const auto read = read_page(); !read) {
                return StreamStep::abort(in_full(read.error()));
            }
            if (attempts_.empty() && !more_) {
                break;
            }
            continue;
        }
        if (const auto added = add_line(attempts_.front()); !added) {
            return StreamStep::abort(in_full(added.error()));
        }
        attempts_.pop_front();
    }
    if (!pending_.empty()) {
        begun_ = true;
        return StreamStep::more(pending_.take());
    }
    const auto now = clock_.steady();
    if (now >= newest_ + wait_) {
        return StreamStep::end();
    }
    return StreamStep::wait({}, std::min(newest_ + wait_, now + kLook));
}

}  // namespace opslab
