#pragma once

#include <opslab/storage.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace opslab::testing {

/// The workers of a storage that cannot answer while told so.
class AbsentWorkers final : public WorkerStore {
public:
    explicit AbsentWorkers(WorkerStore& inner) : inner_(inner) {}

    void go_away(bool away) { away_ = away; }
    /// The next registration is done, and its answer is lost.
    void lose_next_answer() { loses_answer_ = true; }
    /// Waits until so many questions got no answer.
    void wait_for_unanswered(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return unanswered_ >= count; });
    }

    Result<Worker> enroll(const NewWorker& worker, Takeover takeover) override {
        if (away_) {
            return gone();
        }
        auto enrolled = inner_.enroll(worker, takeover);
        if (loses_answer_.exchange(false)) {
            return gone();
        }
        return enrolled;
    }
    Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) override {
        return inner_.heartbeat(beats, policy);
    }
    Status retire(const WorkerId& worker) override { return inner_.retire(worker); }
    Result<Worker> find(const WorkerId& worker) override {
        if (away_) {
            return gone();
        }
        return inner_.find(worker);
    }
    Result<std::vector<Worker>> list(const WorkerQuery& query) override {
        return inner_.list(query);
    }
    Result<WorkerStats> stats(const WorkerId& worker) override { return inner_.stats(worker); }

private:
    tl::unexpected<Error> gone() {
        const std::lock_guard lock(mutex_);
        ++unanswered_;
        changed_.notify_all();
        return fail(Errc::unavailable, "the database is away");
    }

    WorkerStore& inner_;
    std::atomic<bool> away_{false};
    std::atomic<bool> loses_answer_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    int unanswered_ = 0;
};

}  // namespace opslab::testing
