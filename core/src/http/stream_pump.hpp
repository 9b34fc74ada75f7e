#pragma once

#include "http/executor.hpp"
#include "http/message.hpp"

#include <opslab/time.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace opslab {

/// What a pump needs of the connection it feeds. All calls on the I/O thread.
class StreamLine {
public:
    StreamLine() = default;
    StreamLine(const StreamLine&) = delete;
    StreamLine& operator=(const StreamLine&) = delete;
    virtual ~StreamLine() = default;

    enum class Part { more, last, cut };

    /// Sends bytes and calls `written` on the I/O thread once they are out (true) or never will be.
    /// `last` completes the answer, `cut` closes without completing it.
    virtual void send(std::string bytes, Part part, std::function<void(bool)> written) = 0;
    /// Calls `due` on the I/O thread at `at` unless cancelled; replaces an earlier one.
    virtual void wake_at(SteadyTime at, std::function<void()> due) = 0;
    virtual void cancel_wake() = 0;
    /// Runs `job` on the I/O thread. Any thread. False, dropping it, once the server has stopped.
    virtual bool run_on_io(std::function<void()> job) = 0;
    /// Before the cut: what the source failed with, for the log.
    virtual void failed(const std::string& cause) = 0;
    /// The stream is over; nothing is called after it.
    virtual void over() = 0;
};

/// Drives one stream: asks its source on the executor, sends on the I/O thread, one step at a time,
/// the next only when the former is written. I/O thread, but for the waker.
class StreamPump : public std::enable_shared_from_this<StreamPump> {
public:
    StreamPump(
        std::shared_ptr<StreamLine> line,
        std::unique_ptr<StreamSource> source,
        BoundedExecutor& executor
    );

    /// Sends `head` and begins.
    void start(std::string head);
    /// Completes the answer once its source has nothing more to give for now: nobody may take the
    /// part for the whole.
    void stop();
    /// Ends it where it is, at once: the connection is gone or will be.
    void abandon();

private:
    enum class State { stepping, writing, waiting, over };

    void step();
    void stepped(const StreamStep& step);
    void written(bool ok);
    void wait(std::optional<SteadyTime> until);
    void woken();
    void finish();
    void send_last(StreamLine::Part part, const std::string& bytes);

    std::shared_ptr<StreamLine> line_;
    std::unique_ptr<StreamSource> source_;
    BoundedExecutor& executor_;
    State state_ = State::writing;
    StreamStep::Then then_ = StreamStep::Then::more;
    std::optional<SteadyTime> until_{};
    bool stepping_ = false;  ///< the source is in use on the executor
    bool stopping_ = false;
    bool wake_kept_ = false;  ///< woken since the last step began
    std::atomic<bool> wake_posted_{false};
};

}  // namespace opslab
