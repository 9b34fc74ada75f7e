#pragma once

#include <opslab/logger.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace opslab {

/// A fixed number of threads and two queues, each first in first out: a bounded one, and one of
/// work that was admitted before. Where both have jobs their turns alternate, so that a thousand
/// streams that wake at once neither refuse a request nor hold it up. Threads: every call is safe
/// from any thread but `stop`, which joins: never from a job.
class BoundedExecutor {
public:
    using Job = std::function<void()>;

    /// `threads` at least one. A job that throws is logged and forgotten.
    BoundedExecutor(std::size_t threads, std::size_t capacity, Logger& logger);
    BoundedExecutor(const BoundedExecutor&) = delete;
    BoundedExecutor& operator=(const BoundedExecutor&) = delete;
    ~BoundedExecutor();

    /// Queues a job; false, with the job untouched, where the queue is full or stopped.
    [[nodiscard]] bool post(Job& job);

    /// Queues more of work that was admitted before (a stream's next step), beyond the capacity:
    /// the caller bounds how many there are. False once stopped.
    [[nodiscard]] bool post_admitted(Job job);

    /// Takes no more jobs, lets the running ones end, drops the queued ones, joins. Idempotent.
    void stop();

    /// Jobs of both queues.
    [[nodiscard]] std::size_t queued() const;

private:
    void work();
    [[nodiscard]] Job take();

    const std::size_t capacity_;
    Logger& logger_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> jobs_{};
    std::deque<Job> admitted_{};
    bool turn_of_admitted_ = false;
    bool stopped_ = false;
    std::vector<std::jthread> threads_{};
};

}  // namespace opslab
