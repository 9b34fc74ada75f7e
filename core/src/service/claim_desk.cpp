#include "service/claim_desk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace opslab {

namespace {

constexpr std::size_t kMaxAlarms = 10000;  // beyond it the poll finds the retries

}  // namespace

ClaimDesk::ClaimDesk(
    Storage& storage, Clock& clock, ChangeHub& hub, ServiceObserver& observer, Settings settings
)
    : storage_(storage),
      clock_(clock),
      observer_(observer),
      settings_(settings),
      subscription_(hub.on_tasks_pending([this] {
          const std::lock_guard lock(mutex_);
          pending_ = true;
          wake_.notify_all();
      })),
      thread_([this] { run(); }) {}

ClaimDesk::~ClaimDesk() {
    subscription_.reset();
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake_.notify_all();
    }
    thread_.join();
    for (auto* waiters : {&fresh_, &waiters_}) {
        for (auto& waiter : *waiters) {
            waiter.reply(Claimed{});
        }
    }
}

void ClaimDesk::claim(const ClaimRequest& request, Duration wait, Reply<Claimed> reply, Gone gone) {
    {
        const std::lock_guard lock(mutex_);
        if (fresh_.size() + waiters_.size() < settings_.waiting) {
            const auto until = clock_.steady() + (closed_ ? Duration{0} : wait);
            fresh_.push_back({request, until, std::move(reply), std::move(gone)});
            wake_.notify_all();
            return;
        }
    }
    observer_.bound_hit("waiting_claims");
    reply(fail(Errc::exhausted, "too many workers are waiting for tasks"));
}

void ClaimDesk::end_waits(const WorkerId* worker) {
    for (auto* waiters : {&fresh_, &waiters_}) {
        for (auto& waiter : *waiters) {
            if (worker == nullptr || waiter.request.worker == *worker) {
                waiter.end();
            }
        }
    }
    wake_.notify_all();
}

void ClaimDesk::release(const WorkerId& worker) {
    const std::lock_guard lock(mutex_);
    end_waits(&worker);
    if (serving_) {
        released_.insert(worker);
    }
}

void ClaimDesk::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    end_waits(nullptr);
}

void ClaimDesk::look_again_at(Timestamp when) {
    const std::lock_guard lock(mutex_);
    if (alarms_.size() < kMaxAlarms) {
        alarms_.insert(clock_.steady() + std::max(Duration{0}, when - clock_.now()));
        wake_.notify_all();
    }
}

SteadyTime ClaimDesk::next_look(SteadyTime polled) const {
    if (waiters_.empty()) {
        return SteadyTime::max();
    }
    auto next = polled + settings_.poll;
    if (!alarms_.empty()) {
        next = std::min(next, *alarms_.begin());
    }
    for (const auto& waiter : waiters_) {
        next = std::min(next, waiter.until);
    }
    return next;
}

void ClaimDesk::run() {
    auto polled = clock_.steady();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const auto next = next_look(polled);
        const auto now = clock_.steady();
        const bool everybody = !waiters_.empty() && (pending_ || now >= next);
        if (!everybody && fresh_.empty()) {
            clock_.wait_until(lock, wake_, next);
            continue;
        }
        auto waiters = std::exchange(fresh_, {});
        if (everybody) {
            pending_ = false;
            polled = now;
            alarms_.erase(alarms_.begin(), alarms_.upper_bound(now));
            // those who have waited longer are served first
            std::swap(waiters, waiters_);
            std::move(waiters_.begin(), waiters_.end(), std::back_inserter(waiters));
            waiters_.clear();
        }
        serving_ = true;
        lock.unlock();
        serve(std::move(waiters));
        lock.lock();
        serving_ = false;
        released_.clear();
    }
}

void ClaimDesk::dismiss(std::vector<Waiter>& waiters) {
    const auto first = std::stable_partition(waiters.begin(), waiters.end(), [](const auto& one) {
        return !one.wants_none();
    });
    for (auto waiter = first; waiter != waiters.end(); ++waiter) {
        waiter->reply(Claimed{});
    }
    waiters.erase(first, waiters.end());
}

void ClaimDesk::serve(std::vector<Waiter> waiters) {
    dismiss(waiters);
    if (waiters.empty()) {
        return;
    }
    std::vector<ClaimRequest> requests;
    requests.reserve(waiters.size());
    for (const auto& waiter : waiters) {
        requests.push_back(waiter.request);
    }
    observer_.committed("claim", requests.size());
    auto results = storage_.runs().claim(requests, {.lease = settings_.lease});
    std::vector<Waiter> still_waiting;
    for (std::size_t i = 0; i < waiters.size(); ++i) {
        auto& waiter = waiters[i];
        if (!results) {
            waiter.reply(fail(results.error()));
            continue;
        }
        auto& result = (*results)[i];
        const bool nothing = result && result->empty();
        const bool may_wait = clock_.steady() < waiter.until &&
                              (waiter.looked || has_free_slot(waiter.request.worker));
        if (nothing && may_wait) {
            waiter.looked = true;
            still_waiting.push_back(std::move(waiter));
            continue;
        }
        if (result) {
            for (auto& claimed : *result) {
                claimed.lease = settings_.lease;
                // a retry's wait is its back-off: only first claims tell how long the queue is
                if (claimed.task.attempt == 1 && claimed.task.started_at) {
                    observer_.task_claimed(*claimed.task.started_at - claimed.task.created_at);
                }
            }
        }
        waiter.reply(std::move(result));
    }
    take_back(std::move(still_waiting));
}

void ClaimDesk::take_back(std::vector<Waiter> waiters) {
    const std::lock_guard lock(mutex_);
    for (auto& waiter : waiters) {
        if (closed_ || released_.contains(waiter.request.worker)) {
            waiter.end();
        }
        waiters_.push_back(std::move(waiter));
    }
}

bool ClaimDesk::has_free_slot(const WorkerId& worker) {
    const auto known = storage_.workers().find(worker);
    const auto running = storage_.runs().running(worker);
    return known && running &&
           running->size() < static_cast<std::size_t>(known->max_parallel_tasks);
}

}  // namespace opslab
