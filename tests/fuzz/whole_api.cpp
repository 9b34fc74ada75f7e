#include "fuzz/whole_api.hpp"

#include "fuzz/fuzz.hpp"
#include "http/api.hpp"
#include "http/dispatcher.hpp"
#include "storage-memory/memory_storage.hpp"

#include <opslab/testing/fakes.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <utility>

namespace opslab::fuzz {
namespace {

class NoLog final : public Logger {
public:
    void log(LogLevel, std::string_view, std::span<const LogField>) noexcept override {}
};

/// The workers of the storage of the moment: some services keep no more of a storage than these.
class SwappedWorkers final : public WorkerStore {
public:
    explicit SwappedWorkers(const std::unique_ptr<Storage>& storage) : storage_(storage) {}

    Result<Worker> enroll(const NewWorker& worker, Takeover takeover) override {
        return now().enroll(worker, takeover);
    }
    Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) override {
        return now().heartbeat(beats, policy);
    }
    Status retire(const WorkerId& worker) override { return now().retire(worker); }
    Result<Worker> find(const WorkerId& worker) override { return now().find(worker); }
    Result<std::vector<Worker>> list(const WorkerQuery& query) override {
        return now().list(query);
    }
    Result<WorkerStats> stats(const WorkerId& worker) override { return now().stats(worker); }

private:
    [[nodiscard]] WorkerStore& now() { return storage_->workers(); }

    const std::unique_ptr<Storage>& storage_;
};

/// The storage of the moment: inputs come by the thousand, and the services stay.
class SwappedStorage final : public Storage {
public:
    explicit SwappedStorage(const StorageHost& host) : host_(host) { reset(); }

    void reset() { inner_ = memory::make_storage(host_); }

    TaskStore& tasks() override { return inner_->tasks(); }
    RunStore& runs() override { return inner_->runs(); }
    WorkerStore& workers() override { return workers_; }
    HistoryStore& history() override { return inner_->history(); }
    Outbox& outbox() override { return inner_->outbox(); }
    [[nodiscard]] StorageInfo info() const override { return inner_->info(); }
    Status ping() override { return inner_->ping(); }

private:
    StorageHost host_;
    std::unique_ptr<Storage> inner_{};
    SwappedWorkers workers_{inner_};
};

class NoneEmbedded final : public EmbeddedWorkers {
public:
    Result<EmbeddedStatus> status() override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> scale(int) override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> start() override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> stop() override { return EmbeddedStatus{}; }
};

class NoneMeasured final : public MetricsText {
public:
    Result<std::string> metrics_text() override { return std::string("up 1\n"); }
};

class PromisedAnswer final : public ResponseSink {
public:
    explicit PromisedAnswer(std::shared_ptr<std::promise<Answered>> promise)
        : promise_(std::move(promise)) {}
    void respond(HttpResponse response) noexcept override {
        promise_->set_value({std::move(response), nullptr});
    }
    void stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept override {
        Answered answered;
        answered.response.status = head.status;
        answered.response.content_type = head.content_type;
        answered.response.headers = std::move(head.headers);
        answered.source = std::move(source);
        promise_->set_value(std::move(answered));
    }

private:
    std::shared_ptr<std::promise<Answered>> promise_;
};

struct WholeApi {
    testing::FakeClock clock{};
    testing::FakeEntropy entropy{};
    NoLog logger{};
    SwappedStorage storage{StorageHost{clock, entropy, logger}};
    ChangeHub hub{};
    ServiceObserver observer{};
    NoneEmbedded embedded{};
    NoneMeasured metrics{};
    TaskCheck check{{}, storage.workers(), clock, logger};
    KnownProblems problems{storage.workers(), hub, clock, logger};
    TaskService tasks{storage, clock, entropy, hub, observer};
    WorkerService workers{storage, clock, entropy, hub, observer, {}};
    Dispatcher dispatcher{
        make_api(
            {.tasks = tasks,
             .check = check,
             .problems = problems,
             .workers = workers,
             .embedded = embedded,
             .metrics = metrics,
             .storage = storage,
             .clock = clock,
             .logger = logger,
             .defaults = {},
             .version = "1.2.3"}
        ),
        {},
        clock,
        entropy,
        logger};
};

WholeApi& whole_api() {
    static WholeApi api;
    return api;
}

}  // namespace

void reset_api() {
    auto& api = whole_api();
    api.workers.desk().release(WorkerId{"worker-001-process"});
    api.storage.reset();
}

Answered ask_api(HttpRequest request) {
    auto& api = whole_api();
    auto promise = std::make_shared<std::promise<Answered>>();
    auto answer = promise->get_future();
    api.dispatcher.dispatch(std::move(request), std::make_unique<PromisedAnswer>(promise));
    int rounds = 0;
    while (answer.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
        require(++rounds < 20'000, "every request is answered");
        api.clock.advance(std::chrono::seconds(31));
    }
    return answer.get();
}

const Router& api_router() {
    return whole_api().dispatcher.router();
}

}  // namespace opslab::fuzz
