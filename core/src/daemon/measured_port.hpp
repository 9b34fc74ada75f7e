#pragma once

#include "telemetry/metrics.hpp"
#include "worker/port.hpp"

#include <opslab/logger.hpp>

#include <mutex>
#include <optional>
#include <string_view>

namespace opslab::daemon {

/// A worker's port that counts and times its calls, says which were slow, and remembers whether the
/// coordinator answers.
/// The references outlive it. Threads: as the port behind it.
class MeasuredPort final : public WorkerPort {
public:
    MeasuredPort(WorkerPort& port, Clock& clock, Logger& logger, Metrics& metrics)
        : port_(port), clock_(clock), logger_(logger), metrics_(metrics) {}

    [[nodiscard]] Result<Worker> enroll(const NewWorker& worker) override;
    [[nodiscard]] Result<HeartbeatReceipt> heartbeat(const Heartbeat& beat) override;
    [[nodiscard]] Result<std::vector<ClaimedTask>> claim(const ClaimRequest& request, Duration wait)
        override;
    [[nodiscard]] Result<ReportReceipt> report(const EventReport& report) override;
    [[nodiscard]] Result<Task> finish(const AttemptEnd& end) override;
    [[nodiscard]] Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override;
    [[nodiscard]] Status retire(const WorkerId& worker) override;
    void release(const WorkerId& worker) override { port_.release(worker); }
    void on_orders(const WorkerId& worker, std::function<void()> look) override {
        port_.on_orders(worker, std::move(look));
    }

    struct Contact {
        bool answers = false;             ///< the last call was answered, if only with a refusal
        std::optional<Timestamp> last{};  ///< when one was
    };
    [[nodiscard]] Contact contact() const;

private:
    void note(std::string_view call, const Error* error, Duration took);

    template <class Call>
    auto timed(std::string_view name, const Call& call) -> decltype(call()) {
        const auto began = clock_.steady();
        auto answer = call();
        note(name, answer ? nullptr : &answer.error(), clock_.steady() - began);
        return answer;
    }

    WorkerPort& port_;
    Clock& clock_;
    Logger& logger_;
    Metrics& metrics_;
    mutable std::mutex mutex_;
    Contact contact_{};  // under mutex_
};

}  // namespace opslab::daemon
