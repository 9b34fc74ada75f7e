#pragma once

#include "http/event_pages.hpp"
#include "http/message.hpp"
#include "http/shared_pieces.hpp"

#include <opslab/time.hpp>

#include <cstdint>
#include <memory>

namespace opslab {

/// A task's history as Server-Sent Events, then what comes: `status`, `log`, `step`, and `end`
/// once the task is terminal. A comment every 15 s keeps the connection. Ends after `end`; cut off
/// where the storage fails, and the client comes back with its last id.
class EventStream final : public StreamSource {
public:
    static constexpr Duration kHeartbeat = std::chrono::seconds{15};

    /// Events after `after` are sent. `status`: the task's before the first of them is read.
    EventStream(
        TaskService& tasks,
        Clock& clock,
        std::shared_ptr<FollowedTask> task,
        TaskStatus status,
        std::int64_t after
    );

    void start(StreamWaker waker) override;
    [[nodiscard]] StreamStep next() override;

private:
    [[nodiscard]] Status read_page();
    [[nodiscard]] Status add_end();

    TaskService& tasks_;
    Clock& clock_;
    std::shared_ptr<FollowedTask> task_;  // shared with the task's other followers
    bool ended_before_;                   // all of its events were there when the client came
    std::int64_t seq_;
    int page_;  // events in a read: fewer where they are long
    bool terminal_ = false;
    bool whole_ = false;  // the last read left nothing behind it
    SteadyTime last_sent_;
    SharedPieces pending_;
    ChangeHub::Subscription subscription_;
};

}  // namespace opslab
