#pragma once

#include "service_fixture.hpp"

#include <atomic>
#include <functional>

namespace opslab::testing {

/// Runs of a storage that is away while told so.
class AbsentRuns final : public RunStore {
public:
    AbsentRuns(RunStore& inner, Tally& tally) : inner_(inner), tally_(tally) {}

    std::atomic<bool> away{false};
    std::function<void()> during_claim{};  ///< set before the first call

    Result<std::vector<Result<std::vector<ClaimedTask>>>> claim(
        std::span<const ClaimRequest> requests, const ClaimPolicy& policy
    ) override {
        if (during_claim) {
            during_claim();
        }
        return away ? gone() : inner_.claim(requests, policy);
    }
    Result<std::vector<Result<ReportReceipt>>> record(
        std::span<const EventReport> reports, const ClaimPolicy& policy
    ) override {
        return away ? gone() : inner_.record(reports, policy);
    }
    Result<std::vector<Result<Task>>> finish(
        std::span<const AttemptEnd> ends, const RetryPolicy& retry
    ) override {
        return away ? gone() : inner_.finish(ends, retry);
    }
    Result<SweepReport> sweep(const SweepPolicy& policy) override {
        tally_.note(away ? "sweep refused" : "sweep done");
        return away ? gone() : inner_.sweep(policy);
    }
    Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override {
        return away ? gone() : inner_.running(worker);
    }

private:
    /// Turns into the failing result of any call.
    struct Gone {
        template <class T>
        operator Result<T>() const {  // NOLINT(google-explicit-constructor)
            return fail(Errc::unavailable, "the database is away");
        }
    };
    static Gone gone() { return {}; }

    RunStore& inner_;
    Tally& tally_;
};

/// A storage whose runs can be away.
class AbsentStorage final : public Storage {
public:
    AbsentStorage(Storage& inner, Tally& tally) : runs_(inner.runs(), tally), inner_(inner) {}

    void go_away(bool away) { runs_.away = away; }
    /// Before the first call.
    void during_claim(std::function<void()> act) { runs_.during_claim = std::move(act); }

    TaskStore& tasks() override { return inner_.tasks(); }
    RunStore& runs() override { return runs_; }
    WorkerStore& workers() override { return inner_.workers(); }
    HistoryStore& history() override { return inner_.history(); }
    Outbox& outbox() override { return inner_.outbox(); }
    [[nodiscard]] StorageInfo info() const override { return inner_.info(); }
    Status ping() override { return inner_.ping(); }

private:
    AbsentRuns runs_;
    Storage& inner_;
};

}  // namespace opslab::testing
