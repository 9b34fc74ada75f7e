#pragma once

#include "remote/http_client.hpp"
#include "worker/port.hpp"
#include "worker/wake_fd.hpp"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace opslab {

/// The port of a worker that runs elsewhere: a coordinator's REST API, and nothing else of it.
/// Serves one worker. Every call returns within its own time-out; connections are kept.
class RestPort final : public WorkerPort {
public:
    struct Settings {
        Endpoint endpoint{};
        /// A secret that this worker keeps over its restarts (see `instance` in openapi.json);
        /// empty: none, and after a crash it waits until its dead self counts as offline.
        std::string instance{};
    };

    /// Errors: `invalid_argument` where the address is not one of a coordinator.
    [[nodiscard]] static Result<std::unique_ptr<RestPort>> open(Settings settings);

    [[nodiscard]] Result<Worker> enroll(const NewWorker& worker) override;
    [[nodiscard]] Result<HeartbeatReceipt> heartbeat(const Heartbeat& beat) override;
    [[nodiscard]] Result<std::vector<ClaimedTask>> claim(const ClaimRequest& request, Duration wait)
        override;
    /// In as many posts as the size of a body asks for.
    [[nodiscard]] Result<ReportReceipt> report(const EventReport& report) override;
    [[nodiscard]] Result<Task> finish(const AttemptEnd& end) override;
    [[nodiscard]] Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override;
    [[nodiscard]] Status retire(const WorkerId& worker) override;
    /// Asks the coordinator to answer the waiting claim, so that no task is lost with it; a claim
    /// whose coordinator does not answer is left.
    void release(const WorkerId& worker) override;
    /// Never calls: orders come with the answers to heartbeats.
    void on_orders(const WorkerId& worker, std::function<void()> look) override;

private:
    explicit RestPort(Settings settings) : settings_(std::move(settings)) {}

    [[nodiscard]] Result<nlohmann::json> call(const HttpCall& call);
    [[nodiscard]] Result<HttpClient> take_client();
    void keep_client(HttpClient client);

    Settings settings_;
    std::mutex mutex_;
    std::vector<HttpClient> idle_;
    bool released_ = false;
    std::shared_ptr<WakeFd> leave_claim_ = std::make_shared<WakeFd>();
};

}  // namespace opslab
