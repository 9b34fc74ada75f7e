#include "callback/callback_sender.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace opslab {

namespace {

// Between taking a delivery and its settling lie the post and two transactions.
constexpr Duration kHoldBeyondPost = std::chrono::seconds{5};
constexpr int kSmallestTake = 32;
constexpr std::size_t kMaxAlarms = 10'000;
constexpr RetryPolicy kStorageBackoff{
    .base = std::chrono::milliseconds{500}, .max = std::chrono::seconds{15}};

}  // namespace

CallbackSender::CallbackSender(
    Storage& storage,
    std::unique_ptr<Poster> poster,
    Clock& clock,
    Entropy& entropy,
    Logger& logger,
    CallbackObserver& observer,
    CallbackSettings settings
)
    : storage_(storage),
      poster_(std::move(poster)),
      clock_(clock),
      entropy_(entropy),
      logger_(logger),
      observer_(observer),
      settings_(std::move(settings)),
      gate_(settings_.max_in_flight) {}

CallbackSender::~CallbackSender() {
    stop();
}

void CallbackSender::start() {
    thread_ = std::thread([this] { run(); });
}

void CallbackSender::stop() {
    stopping_ = true;
    poster_->wake();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void CallbackSender::wake() noexcept {
    woken_ = true;
    poster_->wake();
}

void CallbackSender::run() noexcept {
    try {
        while (!stopping_) {
            step();
        }
        give_back_all();
    } catch (const std::exception& thrown) {
        log(logger_,
            LogLevel::critical,
            "callbacks stopped by a defect; they stay in the outbox for the next start",
            {{"error", thrown.what()}});
    }
}

void CallbackSender::step() {
    const auto now = clock_.steady();
    while (!alarms_.empty() && alarms_.top() <= now) {
        alarms_.pop();
        woken_ = true;
    }
    const bool look = more_due_ || woken_ || now >= next_poll_;
    // what is not settled may be due again: nothing new before the storage has taken it
    if (look && outcomes_.empty() && gate_.free() > 0 && now >= storage_back_) {
        take();
    }
    for (const auto& result : poster_->wait(time_to_wait())) {
        end(result);
    }
    settle();
}

Duration CallbackSender::time_to_wait() const {
    const auto now = clock_.steady();
    auto until = alarms_.empty() ? next_poll_ : std::min(next_poll_, alarms_.top());
    const bool has_place = gate_.free() > 0;
    if ((more_due_ || woken_) && has_place) {
        until = now;
    } else if (!has_place) {
        until = now + settings_.timeout;  // a post ends before that
    }
    if (failures_ > 0) {
        until = std::max(until, storage_back_);
    }
    return std::max(until - now, Duration{0});
}

void CallbackSender::look_again_at(SteadyTime when) {
    if (alarms_.size() < kMaxAlarms) {  // the poll finds the others
        alarms_.push(when);
    }
}

void CallbackSender::take() {
    woken_ = false;  // before looking: what comes meanwhile wakes us again
    next_poll_ = clock_.steady() + settings_.poll;
    const int limit = std::max(gate_.free(), kSmallestTake);
    auto due = storage_.outbox().take_due(limit, settings_.timeout + kHoldBeyondPost);
    if (!storage_answers(due ? Status{} : fail(due.error()), "take callbacks")) {
        woken_ = true;
        return;
    }
    more_due_ = due->size() == static_cast<std::size_t>(limit);
    begin(std::move(*due));
    settle();  // those that found no place
}

/// Puts back what found no place: that is no try.
void CallbackSender::postpone(const Delivery& delivery, const std::string& host) {
    const auto now = clock_.steady();
    const auto pause = gate_.pause(host, now);
    outcomes_.push_back({.id = delivery.id, .again_after = pause, .tries = delivery.tries});
    look_again_at(now + pause);
}

void CallbackSender::begin(std::vector<Delivery> due) {
    if (due.empty()) {
        return;
    }
    std::vector<UnderWay> starting;
    std::vector<TaskId> ids;
    for (auto& delivery : due) {
        auto host = host_of(delivery.url);
        if (under_way_.count(delivery.id) != 0) {
            continue;  // its hold ran out while this process stood still: one post is enough
        }
        if (!gate_.enter(host)) {
            postpone(delivery, host);
            continue;
        }
        ids.push_back(delivery.task);
        starting.push_back({std::move(delivery), std::move(host)});
    }
    auto details = storage_.tasks().details(ids);
    const bool answered =
        storage_answers(details ? Status{} : fail(details.error()), "read tasks for callbacks");
    std::unordered_map<TaskId, const TaskDetail*> by_id;
    if (answered) {
        for (const auto& detail : *details) {
            by_id.emplace(detail.task.id, &detail);
        }
    }
    for (auto& one : starting) {
        const auto found = by_id.find(one.delivery.task);
        if (found == by_id.end()) {
            gate_.leave(one.host, true, Duration{0});
            if (answered) {
                outcomes_.push_back({.id = one.delivery.id, .again_after = {}});
                tell(one.delivery, {DeliveryEnd::given_up, {}, "there is no such task"}, {});
            } else {
                postpone(one.delivery, one.host);
            }
            continue;
        }
        const auto id = one.delivery.id;
        auto post = make_message(one.delivery, *found->second, settings_.message);
        under_way_.insert_or_assign(id, std::move(one));
        poster_->start(std::move(post));
    }
}

void CallbackSender::end(const PostResult& result) {
    const auto found = under_way_.find(result.id);
    if (found == under_way_.end()) {
        return;
    }
    const auto one = std::move(found->second);
    under_way_.erase(found);
    gate_.leave(one.host, result.end == PostEnd::answered, result.took);
    const int tries = one.delivery.tries + 1;
    const auto verdict = judge(result, tries, settings_.plan, entropy_.next());
    outcomes_.push_back({.id = result.id, .again_after = verdict.again_after, .tries = tries});
    if (verdict.again_after) {
        look_again_at(clock_.steady() + *verdict.again_after);
    }
    tell(one.delivery, verdict, result.took);
}

void CallbackSender::tell(const Delivery& delivery, const DeliveryVerdict& verdict, Duration took) {
    observer_.delivery_tried(to_string(verdict.end), took);
    const auto say = [&](LogLevel level, std::string_view message) {
        // the host alone: a path or query may hold a token of the receiver's
        log(logger_,
            level,
            message,
            {{"task", delivery.task.value},
             {"delivery", delivery.id.value},
             {"host", host_of(delivery.url)},
             {"try", std::to_string(delivery.tries + 1)},
             {"reason", verdict.reason}});
    };
    switch (verdict.end) {
        case DeliveryEnd::delivered:
            return say(LogLevel::debug, "callback delivered");
        case DeliveryEnd::will_retry:
            return say(LogLevel::info, "callback not delivered; will be tried again");
        case DeliveryEnd::given_up:
            return say(LogLevel::warning, "callback given up");
        case DeliveryEnd::refused:
            return say(LogLevel::warning, "callback refused");
    }
}

void CallbackSender::settle() {
    if (outcomes_.empty() || clock_.steady() < storage_back_) {
        return;
    }
    if (storage_answers(storage_.outbox().settle(outcomes_), "settle callbacks")) {
        outcomes_.clear();
    }
}

void CallbackSender::give_back_all() {
    poster_->abandon();
    for (const auto& [id, one] : under_way_) {
        // perhaps delivered, so it counts
        outcomes_.push_back({.id = id, .again_after = Duration{0}, .tries = one.delivery.tries + 1}
        );
    }
    under_way_.clear();
    gate_.clear();
    storage_back_ = {};
    settle();
}

bool CallbackSender::storage_answers(const Status& status, const char* what) {
    if (status) {
        if (failures_ > 0) {
            log(logger_, LogLevel::info, "callbacks go on: the storage answers again");
        }
        failures_ = 0;
        storage_back_ = {};
        return true;
    }
    if (failures_ == 0) {
        log(logger_,
            LogLevel::error,
            "callbacks wait until the storage answers",
            {{"what", what}, {"error", status.error().message}});
    }
    ++failures_;
    storage_back_ = clock_.steady() + retry_delay(failures_, kStorageBackoff, entropy_.next());
    return false;
}

}  // namespace opslab
