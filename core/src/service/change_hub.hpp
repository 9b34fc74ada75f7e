#pragma once

#include <opslab/ids.hpp>
#include <opslab/storage.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace opslab {

/// Tells the parts of one coordinator what changed, so that nobody polls: streams follow a task,
/// the claim loop waits for pending tasks, embedded workers learn of cancelled ones.
/// Threads: all calls from any. Listeners are called on the publisher's thread, without a lock
/// held that they could need, and must return at once.
class ChangeHub {
public:
    using Listener = std::function<void()>;

    /// Ends when destroyed; after that its listener is not under way and not called again. Never
    /// ended from inside its own listener, which it would wait for.
    class Subscription {
    public:
        Subscription() = default;
        Subscription(ChangeHub& hub, std::string topic, std::uint64_t id)
            : hub_(&hub), topic_(std::move(topic)), id_(id) {}
        Subscription(Subscription&& other) noexcept { *this = std::move(other); }
        Subscription& operator=(Subscription&& other) noexcept;
        Subscription(const Subscription&) = delete;
        Subscription& operator=(const Subscription&) = delete;
        ~Subscription() { reset(); }

        void reset();

    private:
        ChangeHub* hub_ = nullptr;
        std::string topic_;
        std::uint64_t id_ = 0;
    };

    /// After anything was added to the task's history.
    void task_changed(const TaskId& task) { publish("task/" + task.value); }
    /// After tasks may have become claimable.
    void tasks_pending() { publish("pending"); }
    /// After an attempt finished (the trajectory feed has more).
    void attempt_finished() { publish("finished"); }
    /// After a task with a callback URL reached a terminal status.
    void callback_due() { publish("callback"); }
    /// After a running task of this worker was cancelled.
    void worker_should_look(const WorkerId& worker) { publish("worker/" + worker.value); }

    /// After a worker registered.
    void worker_enrolled() { publish("enrolled"); }

    /// After changes that nobody could name: everybody looks.
    void anything_changed();

    [[nodiscard]] Subscription on_task_changed(const TaskId& task, Listener listener) {
        return subscribe("task/" + task.value, std::move(listener));
    }
    [[nodiscard]] Subscription on_tasks_pending(Listener listener) {
        return subscribe("pending", std::move(listener));
    }
    [[nodiscard]] Subscription on_attempt_finished(Listener listener) {
        return subscribe("finished", std::move(listener));
    }
    [[nodiscard]] Subscription on_callback_due(Listener listener) {
        return subscribe("callback", std::move(listener));
    }
    [[nodiscard]] Subscription on_worker_enrolled(Listener listener) {
        return subscribe("enrolled", std::move(listener));
    }
    [[nodiscard]] Subscription on_worker_should_look(const WorkerId& worker, Listener listener) {
        return subscribe("worker/" + worker.value, std::move(listener));
    }

private:
    /// A listener with the lock that lets `reset` wait for a call under way.
    struct Entry {
        std::mutex calling;
        Listener listener;  // empty once reset
    };
    using Entries = std::map<std::uint64_t, std::shared_ptr<Entry>>;

    [[nodiscard]] Subscription subscribe(std::string topic, Listener listener);
    void publish(const std::string& topic);
    void remove(const std::string& topic, std::uint64_t id);

    std::mutex mutex_;
    std::unordered_map<std::string, Entries> topics_;
    std::uint64_t next_id_ = 1;
};

}  // namespace opslab
