#pragma once

#include "http/message.hpp"
#include "http/piece_buffer.hpp"
#include "service/task_service.hpp"

#include <opslab/storage.hpp>
#include <opslab/time.hpp>

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace opslab {

/// Cursors of the feed: opaque, good with any filters, so that a consumer may change them.
[[nodiscard]] std::string seal_feed_cursor(std::int64_t position);
[[nodiscard]] std::optional<std::int64_t> open_feed_cursor(std::string_view cursor);

/// Finished attempts as JSON lines, in the order of finishing. One attempt is in memory at a time,
/// and no further one is read before the client took it. Ends when it has caught up, or after
/// `wait` with nothing new; cut off where the storage fails.
class TrajectoryStream final : public StreamSource {
public:
    TrajectoryStream(TaskService& tasks, Clock& clock, FeedQuery query, Duration wait);

    void start(StreamWaker waker) override;
    [[nodiscard]] StreamStep next() override;

private:
    [[nodiscard]] Status read_page();
    [[nodiscard]] Status add_line(const FinishedAttempt& finished);

    TaskService& tasks_;
    Clock& clock_;
    FeedQuery query_;
    Duration wait_;
    SteadyTime newest_;  // when something new came last
    std::deque<FinishedAttempt> attempts_;
    bool more_ = true;
    bool begun_ = false;  // a line has been sent
    PieceBuffer pending_;
    ChangeHub::Subscription subscription_;
};

}  // namespace opslab
