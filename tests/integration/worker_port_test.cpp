#include "base/json.hpp"
#include "base/system_clock.hpp"
#include "daemon/direct_port.hpp"
#include "http/api.hpp"
#include "http/dispatcher.hpp"
#include "http/server.hpp"
#include "remote/rest_port.hpp"
#include "service/task_service.hpp"
#include "service/worker_service.hpp"
#include "storage-memory/memory_storage.hpp"

#include <opslab/testing/fakes.hpp>
#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

const WorkerId kWorker{"worker-001-kind"};

class NoEmbedded final : public EmbeddedWorkers {
public:
    Result<EmbeddedStatus> status() override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> scale(int) override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> start() override { return EmbeddedStatus{}; }
    Result<EmbeddedStatus> stop() override { return EmbeddedStatus{}; }
};

class NoMetrics final : public MetricsText {
public:
    Result<std::string> metrics_text() override { return std::string(); }
};

/// A coordinator of real parts over an in-memory storage, listening on a free port.
struct Service {
    SystemClock clock{};
    SystemEntropy entropy{};
    CapturingLogger logger{};
    std::unique_ptr<Storage> storage = memory::make_storage({clock, entropy, logger});
    ChangeHub hub{};
    ServiceObserver observer{};
    NoEmbedded embedded{};
    NoMetrics metrics{};
    TaskCheck check{{}, storage->workers(), clock, logger};
    KnownProblems problems{storage->workers(), hub, clock, logger};
    TaskService tasks{*storage, clock, entropy, hub, observer};
    WorkerService workers{*storage, clock, entropy, hub, observer, {}};
    Dispatcher dispatcher{
        make_api(
            {.tasks = tasks,
             .check = check,
             .problems = problems,
             .workers = workers,
             .embedded = embedded,
             .metrics = metrics,
             .storage = *storage,
             .clock = clock,
             .logger = logger,
             .defaults = {},
             .version = "1.2.3"}
        ),
        {.bearer_token = "the-token"},
        clock,
        entropy,
        logger};
    std::unique_ptr<HttpServer> server = listen();

    std::unique_ptr<HttpServer> listen() {
        ServerSettings settings;
        settings.port = 0;
        auto started = HttpServer::start(settings, dispatcher, clock, logger);
        EXPECT_THAT(started, IsOk());
        return std::move(*started);
    }

    Result<std::unique_ptr<RestPort>> rest(
        const std::string& instance = {}, const std::string& token = "the-token"
    ) {
        return RestPort::open(
            {.endpoint = {.url = "http://" + server->bound_address(), .token = token},
             .instance = instance}
        );
    }
};

struct PortCase {
    std::string name{};
    std::function<std::unique_ptr<WorkerPort>(Service&)> make{};
};

void PrintTo(const PortCase& which, std::ostream* out) {
    *out << which.name;
}

/// What a worker loop relies on, whichever way the coordinator is spoken to.
class WorkerPortTest : public ::testing::TestWithParam<PortCase> {
protected:
    void SetUp() override {
        port_ = GetParam().make(service_);
        ASSERT_THAT(port_->enroll(identity()), IsOk());
    }

    static NewWorker identity() {
        return {
            .id = kWorker,
            .backend_type = "kind",
            .max_parallel_tasks = 4,
            .supported_problems = {"pod_*"},
            .metadata_json = R"({"rack":"7"})"};
    }

    TaskId submit() {
        NewTask task;
        task.problem_id = "pod_failure-detection-1";
        task.parameters.agent_config_json = R"({"model":"m","seed":3})";
        task.parameters.metadata_json = R"({"a":[1,2]})";
        task.parameters.max_steps = 9;
        task.id = TaskId{make_uuid(service_.clock.now(), service_.entropy)};
        const Submission submission{.tasks = {task}};
        EXPECT_THAT(service_.storage->tasks().submit({&submission, 1}), IsOk());
        service_.hub.tasks_pending();
        return task.id;
    }

    ClaimedTask running() {
        submit();
        auto claimed = port_->claim({kWorker, 1}, 10s);
        EXPECT_THAT(claimed, IsOkAnd(SizeIs(1)));
        return claimed->at(0);
    }

    static EventReport report_of(const ClaimedTask& claimed, std::vector<RunEvent> events) {
        return {
            .task = claimed.task.id,
            .attempt = claimed.task.attempt,
            .worker = kWorker,
            .events = std::move(events),
            .first_seq = claimed.last_seq + 1};
    }

    static AttemptEnd end_of(
        const ClaimedTask& claimed, std::variant<TaskResult, Failure> outcome, std::string details
    ) {
        return {
            .task = claimed.task.id,
            .attempt = claimed.task.attempt,
            .worker = kWorker,
            .outcome = std::move(outcome),
            .error_details = std::move(details),
            .digest = "embedded:x"};
    }

    TaskDetail detail(const ClaimedTask& claimed) {
        return service_.storage->tasks().details({&claimed.task.id, 1})->at(0);
    }

    std::vector<StoredEvent> events(const ClaimedTask& claimed) {
        return service_.storage->history().events(claimed.task.id, claimed.last_seq, 5000).value();
    }

    LogEvent line(std::string message) {
        return {.at = service_.clock.now(), .message = std::move(message)};
    }

    Service service_;
    std::unique_ptr<WorkerPort> port_;
};

TEST_P(WorkerPortTest, EnrollingTellsWhoTheWorkerIs) {
    const auto worker = service_.storage->workers().find(kWorker);

    ASSERT_THAT(worker, IsOk());
    EXPECT_EQ(worker->max_parallel_tasks, 4);
    EXPECT_THAT(worker->supported_problems, ElementsAre("pod_*"));
    EXPECT_EQ(parse_json(worker->metadata_json)->at("rack"), "7");
}

TEST_P(WorkerPortTest, AClaimTellsAllThatARunNeeds) {
    const auto claimed = running();

    EXPECT_EQ(claimed.task, detail(claimed).task);
    EXPECT_EQ(claimed.task.status, TaskStatus::running);
    EXPECT_EQ(claimed.deadline, detail(claimed).attempts.at(0).deadline);
    EXPECT_EQ(claimed.last_seq, 2);
}

TEST_P(WorkerPortTest, AClaimWaitsForATask) {
    auto waiting = std::async(std::launch::async, [&] { return port_->claim({kWorker, 4}, 30s); });
    const auto task = submit();

    const auto claimed = waiting.get();

    ASSERT_THAT(claimed, IsOkAnd(SizeIs(1)));
    EXPECT_EQ(claimed->at(0).task.id, task);
}

TEST_P(WorkerPortTest, AReleaseEndsAClaimAndThoseAfterItUntilTheNextEnrolment) {
    auto waiting = std::async(std::launch::async, [&] { return port_->claim({kWorker, 4}, 30s); });
    do {
        port_->release(kWorker);  // again where it came before the claim
    } while (waiting.wait_for(10ms) != std::future_status::ready);
    EXPECT_THAT(waiting.get(), IsOkAnd(IsEmpty()));
    submit();
    EXPECT_THAT(port_->claim({kWorker, 4}, 30s), IsOkAnd(IsEmpty()));

    ASSERT_THAT(port_->retire(kWorker), IsOk());
    ASSERT_THAT(port_->enroll(identity()), IsOk());

    EXPECT_THAT(port_->claim({kWorker, 4}, 30s), IsOkAnd(SizeIs(1)));
}

TEST_P(WorkerPortTest, EventsAreStoredAsTheyWere) {
    const auto claimed = running();
    auto log = line("naïve 東京");
    log.level = LogLevel::error;
    log.context_json = R"({"step":1})";
    const StepEvent step{
        .at = log.at,
        .step = 2,
        .body_json = R"({"action":"a","latency_ms":1.5,"observation":"o","step":2})"};
    const PhaseEvent phase{.at = log.at, .name = "loop", .edge = PhaseEdge::end};

    const auto receipt = port_->report(report_of(claimed, {log, step, phase}));

    ASSERT_THAT(receipt, IsOk());
    EXPECT_EQ(receipt->deadline, claimed.deadline);
    EXPECT_EQ(receipt->last_seq, claimed.last_seq + 3);
    const auto stored = events(claimed);
    ASSERT_THAT(stored, SizeIs(3));
    auto kept = std::get<LogEvent>(stored[0].body);
    EXPECT_FALSE(kept.id.value.empty());
    kept.id = {};
    EXPECT_EQ(kept, log);
    EXPECT_EQ(std::get<StepEvent>(stored[1].body), step);
    EXPECT_EQ(std::get<PhaseEvent>(stored[2].body), phase);
}

TEST_P(WorkerPortTest, AReportThatIsSentAgainIsStoredOnce) {
    const auto claimed = running();
    const auto report = report_of(claimed, {line("a"), line("b")});
    ASSERT_THAT(port_->report(report), IsOk());

    ASSERT_THAT(port_->report(report), IsOk());

    EXPECT_THAT(events(claimed), SizeIs(2));
}

TEST_P(WorkerPortTest, AReportOfAnySizeIsStoredInOrder) {
    const auto claimed = running();
    std::vector<RunEvent> many;
    for (int i = 0; i < 900; ++i) {
        // control characters take six bytes each in JSON: 11 MB in all
        many.emplace_back(line(std::to_string(i) + std::string(2000, '\x01')));
    }
    auto report = report_of(claimed, std::move(many));
    report.handle = "h";

    const auto receipt = port_->report(report);

    ASSERT_THAT(receipt, IsOk());
    EXPECT_EQ(receipt->last_seq, claimed.last_seq + 900);
    const auto stored = events(claimed);
    ASSERT_THAT(stored, SizeIs(900));
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const auto& message = std::get<LogEvent>(stored[i].body).message;
        EXPECT_EQ(message.substr(0, message.find('\x01')), std::to_string(i));
    }
    EXPECT_THAT(port_->running(kWorker)->at(0).handle, Optional(std::string("h")));
}

TEST_P(WorkerPortTest, WhatRunsIsToldToASuccessor) {
    const auto claimed = running();
    auto report = report_of(claimed, {line("a")});
    report.handle = R"({"handle":"h","position":"p\"\\"})";
    ASSERT_THAT(port_->report(report), IsOk());

    const auto found = port_->running(kWorker);

    ASSERT_THAT(found, IsOkAnd(SizeIs(1)));
    EXPECT_EQ(found->at(0).task, detail(claimed).task);
    EXPECT_EQ(found->at(0).deadline, claimed.deadline);
    EXPECT_EQ(found->at(0).handle, report.handle);
    EXPECT_EQ(found->at(0).last_seq, claimed.last_seq + 1);
}

TEST_P(WorkerPortTest, AResultEndsTheTaskAndTheSameAgainIsAnswered) {
    const auto claimed = running();
    const TaskResult result{
        R"({"logs":["l"],"metrics":{"m":1},"output":{"o":null},"reward":0.25,"success":true})",
        true,
        0.25};
    const auto end = end_of(claimed, result, {});

    EXPECT_THAT(port_->finish(end), IsOk());
    EXPECT_THAT(port_->finish(end), IsOk());

    const auto task = detail(claimed);
    EXPECT_EQ(task.task.status, TaskStatus::completed);
    EXPECT_THAT(task.result, Optional(result));
    EXPECT_THAT(port_->report(report_of(claimed, {})), IsError(Errc::stale_attempt));
}

TEST_P(WorkerPortTest, AFailureKeepsItsKindPhaseMessageAndDetails) {
    for (const auto kind :
         {FailureKind::task, FailureKind::infrastructure, FailureKind::worker_lost}) {
        const auto claimed = running();
        const Failure failure{kind, "setup", "it broke"};

        EXPECT_THAT(port_->finish(end_of(claimed, failure, "it broke\nand why")), IsOk());

        const auto task = detail(claimed);
        EXPECT_EQ(task.task.status, TaskStatus::failed);
        EXPECT_THAT(task.failure, Optional(failure));
        EXPECT_THAT(task.error_details, Optional(std::string("it broke\nand why")));
    }
}

TEST_P(WorkerPortTest, ACancelledTaskIsOrderedToStopAndItsEventsAreStale) {
    const auto claimed = running();
    ASSERT_THAT(service_.storage->tasks().cancel({&claimed.task.id, 1}), IsOk());

    const auto receipt = port_->heartbeat(
        {.worker = kWorker, .status = WorkerStatus::busy, .current_task = claimed.task.id}
    );

    ASSERT_THAT(receipt, IsOk());
    EXPECT_THAT(receipt->cancel, ElementsAre(claimed.task.id));
    EXPECT_THAT(port_->report(report_of(claimed, {line("a")})), IsError(Errc::stale_attempt));
    EXPECT_THAT(events(claimed), SizeIs(1)) << "the status alone";
}

TEST_P(WorkerPortTest, ARetiredWorkerIsOfflineAndMayNotClaim) {
    ASSERT_THAT(port_->retire(kWorker), IsOk());

    EXPECT_EQ(service_.storage->workers().find(kWorker)->status, WorkerStatus::offline);
    EXPECT_THAT(port_->claim({kWorker, 1}, 0s), IsError(Errc::conflict));
}

TEST_P(WorkerPortTest, AnUnknownWorkerIsNotFound) {
    const WorkerId stranger{"worker-009-kind"};

    EXPECT_THAT(port_->heartbeat({.worker = stranger}), IsError(Errc::not_found));
    EXPECT_THAT(port_->retire(stranger), IsError(Errc::not_found));
}

INSTANTIATE_TEST_SUITE_P(
    Ports,
    WorkerPortTest,
    ::testing::Values(
        PortCase{
            "Direct",
            [](Service& service) { return std::make_unique<DirectPort>(service.workers); }},
        PortCase{
            "Rest", [](Service& service) { return std::move(*service.rest("a-secret-of-my-own")); }}
    ),
    [](const auto& tested) { return tested.param.name; }
);

// --- what REST alone has to see to ------------------------------------------------------------

class RestPortTest : public ::testing::Test {
protected:
    static NewWorker identity() { return {.id = kWorker, .backend_type = "kind"}; }

    Service service_;
};

TEST_F(RestPortTest, OnlyTheSameInstanceTakesALiveIdAgain) {
    const auto first = service_.rest("instance-number-one");
    const auto other = service_.rest("instance-number-two");
    const auto nobody = service_.rest();
    ASSERT_THAT((*first)->enroll(identity()), IsOk());

    EXPECT_THAT((*other)->enroll(identity()), IsError(Errc::conflict));
    EXPECT_THAT((*nobody)->enroll(identity()), IsError(Errc::conflict));
    EXPECT_THAT(service_.rest("instance-number-one").value()->enroll(identity()), IsOk());

    ASSERT_THAT((*first)->retire(kWorker), IsOk());
    EXPECT_THAT((*other)->enroll(identity()), IsOk()) << "an offline one is free for all";
    EXPECT_THAT((*first)->enroll(identity()), IsError(Errc::conflict));
}

TEST_F(RestPortTest, AWrongTokenIsTriedAgainAndNotTakenForALostAttempt) {
    const auto port = service_.rest({}, "another-token");

    const auto enrolled = (*port)->enroll(identity());
    const auto reported =
        (*port)->report({.task = TaskId{"00000000-0000-7000-8000-000000000000"}, .worker = kWorker}
        );

    EXPECT_THAT(enrolled, IsError(Errc::unavailable));
    EXPECT_THAT(enrolled.error().message, ::testing::HasSubstr("401"));
    EXPECT_THAT(reported, IsError(Errc::unavailable));
}

TEST_F(RestPortTest, ACoordinatorThatIsAwayIsUnavailable) {
    const auto port = service_.rest();
    service_.server->stop(0ms);

    EXPECT_THAT((*port)->enroll(identity()), IsError(Errc::unavailable));
    EXPECT_THAT((*port)->claim({kWorker, 1}, 30s), IsError(Errc::unavailable));
}

TEST_F(RestPortTest, AClaimIsLeftWhereTheCoordinatorDoesNotAnswerTheRelease) {
    const auto port = service_.rest();
    ASSERT_THAT((*port)->enroll(identity()), IsOk());
    service_.server->stop(0ms);

    (*port)->release(kWorker);

    EXPECT_THAT((*port)->claim({kWorker, 1}, 30s), IsOkAnd(IsEmpty()));
}

TEST_F(RestPortTest, AnAddressThatIsNoneIsRefused) {
    for (const auto* url : {"", "here", "ftp://a", "http://u:p@a", "http://a/?q"}) {
        EXPECT_THAT(RestPort::open({.endpoint = {.url = url}}), IsError(Errc::invalid_argument))
            << url;
    }
}

}  // namespace
}  // namespace opslab::testing
