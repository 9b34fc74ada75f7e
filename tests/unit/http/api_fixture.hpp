#pragma once

#include "base/json.hpp"
#include "http/api.hpp"
#include "http/dispatcher.hpp"

#include <opslab/testing/fakes.hpp>

#include <nlohmann/json.hpp>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace opslab::testing {

inline constexpr auto kGet = HttpMethod::get;
inline constexpr auto kPost = HttpMethod::post;

inline auto away() {
    return fail(Errc::unavailable, "the database is away", "secret detail");
}

/// A storage whose every call says "away", but for those that a test scripts.
class ScriptedStorage final : public Storage,
                              public TaskStore,
                              public RunStore,
                              public WorkerStore,
                              public HistoryStore,
                              public Outbox {
public:
    std::vector<Submission> submissions{};
    std::function<Result<std::vector<TaskDetail>>(std::span<const TaskId>)> on_details{};
    std::function<Result<TaskPage>(const TaskQuery&)> on_list{};
    std::function<Result<std::vector<StoredEvent>>(std::int64_t after, int limit)> on_events{};
    std::function<Result<std::vector<Worker>>()> on_workers{};
    int worker_reads = 0;
    bool takes_submissions = true;

    TaskStore& tasks() override { return *this; }
    RunStore& runs() override { return *this; }
    WorkerStore& workers() override { return *this; }
    HistoryStore& history() override { return *this; }
    Outbox& outbox() override { return *this; }
    [[nodiscard]] StorageInfo info() const override { return {"scripted", "nowhere", 1}; }
    Status ping() override { return away(); }

    Result<std::vector<Result<Submitted>>> submit(std::span<const Submission> batch) override {
        if (!takes_submissions) {
            return away();
        }
        std::vector<Result<Submitted>> results;
        for (const auto& submission : batch) {
            submissions.push_back(submission);
            Submitted submitted;
            for (const auto& task : submission.tasks) {
                submitted.tasks.push_back(
                    {.id = task.id, .problem_id = task.problem_id, .parameters = task.parameters}
                );
            }
            results.emplace_back(std::move(submitted));
        }
        return results;
    }
    Result<std::vector<TaskDetail>> details(std::span<const TaskId> ids) override {
        return on_details ? on_details(ids) : away();
    }
    Result<TaskPage> list(const TaskQuery& query) override {
        return on_list ? on_list(query) : away();
    }
    Result<QueueCounts> counts() override { return away(); }
    Result<TaskStats> stats() override { return away(); }
    Result<std::vector<Result<Task>>> cancel(std::span<const TaskId>) override { return away(); }
    Result<std::vector<Result<std::vector<ClaimedTask>>>>
    claim(std::span<const ClaimRequest>, const ClaimPolicy&) override {
        return away();
    }
    Result<std::vector<Result<ReportReceipt>>>
    record(std::span<const EventReport>, const ClaimPolicy&) override {
        return away();
    }
    Result<std::vector<Result<Task>>> finish(std::span<const AttemptEnd>, const RetryPolicy&)
        override {
        return away();
    }
    Result<SweepReport> sweep(const SweepPolicy&) override { return away(); }
    Result<std::vector<RunningAttempt>> running(const WorkerId&) override { return away(); }
    Result<Worker> enroll(const NewWorker&, Takeover) override { return away(); }
    Result<std::vector<Result<HeartbeatReceipt>>>
    heartbeat(std::span<const Heartbeat>, const ClaimPolicy&) override {
        return away();
    }
    Status retire(const WorkerId&) override { return away(); }
    Result<Worker> find(const WorkerId&) override { return away(); }
    Result<std::vector<Worker>> list(const WorkerQuery&) override {
        ++worker_reads;
        return on_workers ? on_workers() : away();
    }
    Result<WorkerStats> stats(const WorkerId&) override { return away(); }
    Result<std::vector<StoredEvent>> events(const TaskId&, std::int64_t after, int limit) override {
        return on_events ? on_events(after, limit) : away();
    }
    Result<std::vector<StoredLog>> logs(const LogQuery&) override { return away(); }
    Result<std::vector<StoredStep>> steps(const TaskId&, int) override { return away(); }
    Result<FeedPage> feed(const FeedQuery&) override { return away(); }
    Result<std::vector<Delivery>> take_due(int, Duration) override { return away(); }
    Status settle(std::span<const DeliveryOutcome>) override { return away(); }
};

class NoEmbedded final : public EmbeddedWorkers {
public:
    Result<EmbeddedStatus> status() override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> scale(int) override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> start() override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> stop() override { return EmbeddedStatus{}; }
};

class NoMetrics final : public MetricsText {
public:
    Result<std::string> metrics_text() override { return std::string("up 1\n"); }
};

/// What came back: an answer, or the head and the source of a stream.
struct Answer {
    HttpResponse response{};
    std::unique_ptr<StreamSource> source{};
};

/// The whole API without a socket, over a scripted storage.
class ApiUnderTest {
public:
    explicit ApiUnderTest(
        bool strict_problems = false, const std::map<std::string, TaskCheck::Asked>& runners = {}
    )
        : strict_problems_(strict_problems), check_(runners, storage.workers(), clock, logger) {}

    Answer ask(
        HttpMethod method, std::string target, std::string body = {}, HttpHeaders headers = {}
    ) {
        HttpRequest request;
        request.method = method;
        request.method_name = to_string(method);
        request.target = std::move(target);
        request.body = std::move(body);
        request.headers = std::move(headers);
        if (!request.body.empty() && !request.headers.find("Content-Type")) {
            request.headers.add("Content-Type", "application/json");
        }
        std::promise<Answer> promise;
        auto answer = promise.get_future();
        dispatcher_.dispatch(std::move(request), std::make_unique<Sink>(promise));
        return answer.get();
    }

    FakeClock clock{};
    FakeEntropy entropy{};
    CapturingLogger logger{};
    ScriptedStorage storage{};

private:
    class Sink final : public ResponseSink {
    public:
        explicit Sink(std::promise<Answer>& promise) : promise_(promise) {}
        void respond(HttpResponse response) noexcept override {
            promise_.set_value({std::move(response), nullptr});
        }
        void stream(StreamHead head, std::unique_ptr<StreamSource> source) noexcept override {
            Answer answer;
            answer.response.status = head.status;
            answer.response.content_type = head.content_type;
            answer.source = std::move(source);
            promise_.set_value(std::move(answer));
        }

    private:
        std::promise<Answer>& promise_;
    };

    bool strict_problems_;
    ChangeHub hub_{};
    ServiceObserver observer_{};
    NoEmbedded embedded_{};
    NoMetrics metrics_{};
    TaskCheck check_;
    KnownProblems problems_{storage, hub_, clock, logger};
    TaskService tasks_{storage, clock, entropy, hub_, observer_};
    WorkerService workers_{storage, clock, entropy, hub_, observer_, {}};
    Dispatcher dispatcher_{
        make_api(
            {.tasks = tasks_,
             .check = check_,
             .problems = problems_,
             .workers = workers_,
             .embedded = embedded_,
             .metrics = metrics_,
             .storage = storage,
             .clock = clock,
             .logger = logger,
             .strict_problems = strict_problems_,
             .version = "1.2.3"}
        ),
        {},
        clock,
        entropy,
        logger};

public:
    [[nodiscard]] const Router& router() const { return dispatcher_.router(); }
};

/// The JSON that an answer holds; the test ends if it holds none.
inline Json body_of(const Answer& answer) {
    return parse_json(answer.response.body).value();
}

}  // namespace opslab::testing
