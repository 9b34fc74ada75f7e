#pragma once

#include "callback/delivery_message.hpp"
#include "callback/delivery_plan.hpp"
#include "callback/host_gate.hpp"
#include "callback/poster.hpp"

#include <opslab/error.hpp>
#include <opslab/logger.hpp>
#include <opslab/storage.hpp>

#include <atomic>
#include <memory>
#include <queue>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace opslab {

/// What the sender tells whoever measures. Calls come from the sender's thread.
class CallbackObserver {
public:
    CallbackObserver() = default;
    CallbackObserver(const CallbackObserver&) = delete;
    CallbackObserver& operator=(const CallbackObserver&) = delete;
    virtual ~CallbackObserver() = default;

    /// One try of a delivery ended so, after `took`.
    virtual void delivery_tried(std::string_view /*outcome*/, Duration /*took*/) {}
};

struct CallbackSettings {
    DeliveryPlan plan{};
    MessageSettings message{};
    int max_in_flight = 32;
    Duration timeout = std::chrono::seconds{10};  ///< of one post, the poster's
    Duration poll = std::chrono::seconds{5};      ///< the safety net behind wake-ups
};

/// Sends completion callbacks, at least once each: takes due deliveries from the outbox, posts
/// them, settles them. A delivery is held while it is under way and due again if nobody settles it
/// (this process was killed), so several coordinators share one outbox. One thread; `step` is
/// public so that tests drive it instead.
class CallbackSender {
public:
    CallbackSender(
        Storage& storage,
        std::unique_ptr<Poster> poster,
        Clock& clock,
        Entropy& entropy,
        Logger& logger,
        CallbackObserver& observer,
        CallbackSettings settings
    );
    CallbackSender(const CallbackSender&) = delete;
    CallbackSender& operator=(const CallbackSender&) = delete;
    ~CallbackSender();

    /// Starts the loop. Once.
    void start();

    /// Ends the loop at once; deliveries under way are broken off and due again. Fine before
    /// `start` and twice.
    void stop();

    /// Deliveries may be due. From any thread; returns at once.
    void wake() noexcept;

    /// Takes and begins what is due, waits for posts to end (or the next due time, or a wake-up),
    /// settles those that ended.
    void step();

private:
    struct UnderWay {
        Delivery delivery{};
        std::string host{};
    };

    void run() noexcept;
    void take();
    void begin(std::vector<Delivery> due);
    void end(const PostResult& result);
    void tell(const Delivery& delivery, const DeliveryVerdict& verdict, Duration took);
    void settle();
    void give_back_all();
    void look_again_at(SteadyTime when);
    [[nodiscard]] Duration time_to_wait() const;
    void postpone(const Delivery& delivery, const std::string& host);
    bool storage_answers(const Status& status, const char* what);

    Storage& storage_;
    std::unique_ptr<Poster> poster_;
    Clock& clock_;
    Entropy& entropy_;
    Logger& logger_;
    CallbackObserver& observer_;
    CallbackSettings settings_;
    HostGate gate_;

    std::unordered_map<DeliveryId, UnderWay> under_way_;
    std::vector<DeliveryOutcome> outcomes_;  // not settled yet
    // When something of ours becomes due; what others left is found by the poll.
    std::priority_queue<SteadyTime, std::vector<SteadyTime>, std::greater<>> alarms_;
    SteadyTime next_poll_{};
    SteadyTime storage_back_{};  // not asked before
    int failures_ = 0;           // of the storage in a row
    bool more_due_ = false;      // the last take was full

    std::atomic<bool> woken_{true};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace opslab
