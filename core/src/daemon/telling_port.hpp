#pragma once

#include "domain/told_problems.hpp"
#include "worker/port.hpp"

#include <opslab/logger.hpp>
#include <opslab/runner.hpp>
#include <opslab/time.hpp>

#include <mutex>
#include <optional>
#include <string>

namespace opslab {

/// One worker's port that tells the coordinator what problems the worker's driver can play: with
/// each registration, and with a further one where that has changed (an image was pulled or built
/// anew) and the worker runs nothing.
/// The references outlive it. Threads: as the port behind it.
class TellingPort final : public WorkerPort {
public:
    /// How often a worker that waits for tasks looks whether its driver is another one.
    static constexpr Duration kLookAgain = std::chrono::minutes{1};

    TellingPort(WorkerPort& port, Runner& runner, Clock& clock, Logger& logger)
        : port_(port), runner_(runner), clock_(clock), logger_(logger) {}

    [[nodiscard]] Result<Worker> enroll(const NewWorker& worker) override;
    [[nodiscard]] Result<HeartbeatReceipt> heartbeat(const Heartbeat& beat) override {
        return port_.heartbeat(beat);
    }
    [[nodiscard]] Result<std::vector<ClaimedTask>> claim(const ClaimRequest& request, Duration wait)
        override;
    [[nodiscard]] Result<ReportReceipt> report(const EventReport& report) override {
        return port_.report(report);
    }
    [[nodiscard]] Result<Task> finish(const AttemptEnd& end) override { return port_.finish(end); }
    [[nodiscard]] Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override {
        return port_.running(worker);
    }
    [[nodiscard]] Status retire(const WorkerId& worker) override { return port_.retire(worker); }
    /// Waits for a registration under way.
    void release(const WorkerId& worker) override;
    void on_orders(const WorkerId& worker, std::function<void()> look) override {
        port_.on_orders(worker, std::move(look));
    }

private:
    [[nodiscard]] std::optional<DriverProblems> look(const WorkerId& worker);
    void complain(const WorkerId& worker, const std::string& why);
    void tell_what_changed(const WorkerId& worker);

    WorkerPort& port_;
    Runner& runner_;
    Clock& clock_;
    Logger& logger_;
    std::mutex mutex_;
    // all under mutex_
    std::optional<NewWorker> identity_;  // as the worker gave it; none before it registers
    std::string told_;                   // of its problems, as JSON; empty: nothing
    std::optional<SteadyTime> looked_at_;
    bool is_released_ = false;  // it claims no more until it registers by itself
    std::string complaint_;     // the last one, so that each is said once
};

}  // namespace opslab
