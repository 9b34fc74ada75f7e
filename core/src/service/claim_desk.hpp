#pragma once

#include "service/change_hub.hpp"
#include "service/group_commit.hpp"
#include "service/observer.hpp"

#include <opslab/storage.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace opslab {

/// Where workers wait for tasks: all that wait are served by one claim, woken when tasks become
/// pending, with a slow poll as the safety net.
/// Threads: `claim` from any; replies come from the desk's own thread.
class ClaimDesk {
public:
    using Claimed = std::vector<ClaimedTask>;

    struct Settings {
        Duration lease = std::chrono::seconds{60};
        Duration poll = std::chrono::seconds{5};
        std::size_t waiting = 4096;  ///< claims that may wait; more are refused (`exhausted`)
    };

    ClaimDesk(
        Storage& storage, Clock& clock, ChangeHub& hub, ServiceObserver& observer, Settings settings
    );
    ClaimDesk(const ClaimDesk&) = delete;
    ClaimDesk& operator=(const ClaimDesk&) = delete;
    /// Answers everybody who still waits with nothing.
    ~ClaimDesk();

    /// Set by whoever knows that nobody is there any more to take the reply.
    using Gone = std::shared_ptr<const std::atomic<bool>>;

    /// Replies with tasks as soon as there are some, with none after `wait` or where the worker has
    /// no free slot. Gives no task once `gone` is set. Errors: `not_found`, `conflict` (offline),
    /// `exhausted`, the storage's.
    void claim(
        const ClaimRequest& request, Duration wait, Reply<Claimed> reply, Gone gone = nullptr
    );

    /// Ends the waits of this worker with nothing (its connection is gone, or it stops).
    void release(const WorkerId& worker);

    /// Answers everybody with nothing and takes no more waits (the coordinator drains).
    void close();

    /// Looks again at `when`: a retry becomes claimable then.
    void look_again_at(Timestamp when);

private:
    struct Waiter {
        ClaimRequest request;
        SteadyTime until;
        Reply<Claimed> reply;
        Gone gone;
        bool looked = false;  // was served once
        bool ended = false;   // nothing more is given to it

        [[nodiscard]] bool wants_none() const { return ended || (gone && *gone); }
        void end() {
            ended = true;
            until = SteadyTime::min();
        }
    };

    void run();
    static void dismiss(std::vector<Waiter>& waiters);
    void serve(std::vector<Waiter> waiters);
    void take_back(std::vector<Waiter> waiters);
    void end_waits(const WorkerId* worker);
    [[nodiscard]] bool has_free_slot(const WorkerId& worker);
    [[nodiscard]] SteadyTime next_look(SteadyTime polled) const;

    Storage& storage_;
    Clock& clock_;
    ServiceObserver& observer_;
    Settings settings_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Waiter> fresh_;    // not looked at yet
    std::vector<Waiter> waiters_;  // looked at, nothing there for them
    std::multiset<SteadyTime> alarms_;
    std::set<WorkerId> released_;  // while their waiters were out of our hands, being served
    bool serving_ = false;
    bool pending_ = false;  // tasks may have become claimable since the last look
    bool closed_ = false;
    bool stopping_ = false;
    ChangeHub::Subscription subscription_;
    std::thread thread_;  // last: it uses everything above
};

}  // namespace opslab
