#pragma once

#include <opslab/error.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace opslab {

template <class Value>
using Reply = std::function<void(Result<Value>)>;

/// Calls something that replies later and waits for the reply. For threads of their own only: never
/// on a thread that replies.
template <class Value, class Start>
[[nodiscard]] Result<Value> await_reply(Start&& start) {
    auto promise = std::make_shared<std::promise<Result<Value>>>();
    auto future = promise->get_future();
    std::forward<Start>(start
    )([promise](Result<Value> result) { promise->set_value(std::move(result)); });
    return future.get();
}

/// Group commit: requests that arrive while a transaction commits go together into the next one.
/// No timer and no added latency: a lone request is committed at once. Replies come after the
/// commit, in order, on the committer's thread.
/// Threads: `add` from any. Every request is replied to exactly once: the destructor commits what
/// still waits.
template <class Request, class Answer>
class GroupCommit {
public:
    using Commit = std::function<Result<std::vector<Result<Answer>>>(std::span<const Request>)>;

    struct Limits {
        std::size_t batch = 256;     ///< requests in one transaction
        std::size_t waiting = 8192;  ///< requests that may wait; more are refused (`exhausted`)
    };

    GroupCommit(Commit commit, Limits limits)
        : commit_(std::move(commit)), limits_(limits), thread_([this] { run(); }) {}

    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;

    ~GroupCommit() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    void add(Request request, Reply<Answer> reply) {
        {
            const std::lock_guard lock(mutex_);
            if (!stopping_ && waiting_.size() < limits_.waiting) {
                waiting_.push_back({std::move(request), std::move(reply)});
                wake_.notify_one();
                return;
            }
        }
        reply(fail(Errc::exhausted, "too many requests are waiting for the database"));
    }

private:
    struct Waiting {
        Request request;
        Reply<Answer> reply;
    };

    void run() {
        while (true) {
            std::vector<Waiting> batch;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
                if (waiting_.empty()) {
                    return;  // stopping, and everybody has an answer
                }
                const auto count = std::min(limits_.batch, waiting_.size());
                const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
                batch.assign(
                    std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)
                );
                waiting_.erase(waiting_.begin(), end);
            }
            settle(std::move(batch));
        }
    }

    void settle(std::vector<Waiting> batch) {
        std::vector<Request> requests;
        requests.reserve(batch.size());
        for (auto& one : batch) {
            requests.push_back(std::move(one.request));
        }
        auto results = commit_(requests);
        if (results && results->size() != batch.size()) {
            results = fail(Errc::internal, "the storage answered another number of items");
        }
        for (std::size_t i = 0; i < batch.size(); ++i) {
            batch[i].reply(
                results ? std::move((*results)[i]) : Result<Answer>(fail(results.error()))
            );
        }
    }

    Commit commit_;
    Limits limits_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Waiting> waiting_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses everything above
};

}  // namespace opslab
