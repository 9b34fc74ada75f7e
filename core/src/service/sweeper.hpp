#pragma once

#include "service/change_hub.hpp"
#include "service/observer.hpp"

#include <opslab/storage.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace opslab {

/// Ends what nobody ends: time-outs, lost workers. One loop for each coordinator; several may
/// sweep one database. `step` is public so that tests drive it. Where the loop could not sweep for
/// long (this process was frozen, the storage away), workers could not renew their leases either,
/// and where the machine's clock jumped leases look over that are not: either way they get one more
/// heartbeat time-out.
class Sweeper {
public:
    struct Settings {
        Duration interval = std::chrono::seconds{5};
        Duration heartbeat_timeout = std::chrono::seconds{60};
        Duration worker_retention{0};  ///< of offline workers; zero: for ever
        RetryPolicy retry{};
    };
    /// Told when a retry becomes claimable later.
    using RetryAlarm = std::function<void(Timestamp)>;

    Sweeper(
        Storage& storage,
        Clock& clock,
        Logger& logger,
        ChangeHub& hub,
        ServiceObserver& observer,
        RetryAlarm alarm,
        Settings settings
    );
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;
    ~Sweeper();

    /// Starts the loop. Once.
    void start();
    /// Ends the loop; fine before `start` and twice.
    void stop();

    /// One sweep: everything that is due now.
    Status step();

private:
    void run();
    void publish(const SweepReport& report);
    void forgive_absence();
    [[nodiscard]] Duration clock_lead() const;

    Storage& storage_;
    Clock& clock_;
    Logger& logger_;
    ChangeHub& hub_;
    ServiceObserver& observer_;
    RetryAlarm alarm_;
    Settings settings_;
    // Workers could not renew while no coordinator was up: leases get one time-out of grace.
    SteadyTime leases_count_from_;
    SteadyTime swept_at_;  // the end of the last sweep that succeeded
    Duration clock_lead_;  // of the clock of the day over the monotonic one, then
    bool away_ = false;    // the last sweep failed: say so once
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace opslab
