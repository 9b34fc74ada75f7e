#include "service/explanation.hpp"

#include "service_fixture.hpp"

#include <opslab/testing/matchers.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;

class ExplanationOfATask : public ServiceFixture {
protected:
    Explanation explained(const TaskId& id) {
        auto result = explain(*storage_, clock_, id);
        EXPECT_THAT(result, IsOk());
        return result.value_or(Explanation{});
    }

    NewTask for_backend(std::optional<std::string> backend, const std::string& problem = "p-1") {
        auto task = a_task();
        task.backend_type = std::move(backend);
        task.problem_id = problem;
        return task;
    }

    void enroll_as(
        const std::string& id, const std::string& backend, std::vector<std::string> globs = {}
    ) {
        const NewWorker worker{
            .id = WorkerId{id}, .backend_type = backend, .supported_problems = std::move(globs)};
        ASSERT_THAT(storage_->workers().enroll(worker, Takeover::refuse), IsOk());
    }

    static WorkerVerdict verdict_of(const Explanation& told, const std::string& worker) {
        const auto found =
            std::find_if(told.workers.begin(), told.workers.end(), [&](const JudgedWorker& judged) {
                return judged.load.worker.id.value == worker;
            });
        EXPECT_NE(found, told.workers.end());
        return found->verdict;
    }

    void finish(const Task& task) {
        const AttemptEnd end{
            .task = task.id,
            .attempt = task.attempt,
            .worker = task.worker_id.value_or(kWorker),
            .outcome = TaskResult{.success = true},
            .digest = "d"};
        ASSERT_THAT(storage_->runs().finish({&end, 1}, {}), IsOk());
    }

    std::vector<ClaimedTask> claim(const std::string& worker) {
        const ClaimRequest request{.worker = WorkerId{worker}};
        return storage_->runs().claim({&request, 1}, {})->at(0).value();
    }
};

TEST_F(ExplanationOfATask, SaysThatThereIsNoWorker) {
    const auto id = store(a_task());

    EXPECT_EQ(explained(id).reason, TaskReason::no_workers);
}

TEST_F(ExplanationOfATask, SaysThatNoWorkerFits) {
    enroll_as("worker-001-docker", "docker");
    enroll_as("worker-002-kind", "kind", {"other-*"});

    const auto told = explained(store(for_backend("kind")));

    EXPECT_EQ(told.reason, TaskReason::no_fitting_worker);
    ASSERT_EQ(told.workers.size(), 2U);
    EXPECT_EQ(told.workers[0].verdict, WorkerVerdict::problem_filter);
    EXPECT_EQ(told.workers[1].verdict, WorkerVerdict::backend_type);
}

TEST_F(ExplanationOfATask, SaysThatWorkersAreOfflineOrBusy) {
    enroll_as("worker-001-kind", "kind");
    ASSERT_THAT(storage_->workers().retire(WorkerId{"worker-001-kind"}), IsOk());
    const auto id = store(for_backend("kind"));
    EXPECT_EQ(explained(id).reason, TaskReason::workers_offline);

    enroll_as("worker-002-kind", "kind");
    auto urgent = for_backend("kind");
    urgent.parameters.priority = 9;
    store(urgent);
    EXPECT_EQ(explained(id).reason, TaskReason::queued);
    EXPECT_EQ(explained(id).ahead, 1);

    ASSERT_EQ(claim("worker-002-kind").size(), 1U);
    EXPECT_EQ(explained(id).reason, TaskReason::workers_busy);
    EXPECT_EQ(explained(id).ahead, 0);
}

TEST_F(ExplanationOfATask, SaysThatAWorkerClaimsNothingForNow) {
    enroll_as("worker-001-kind", "kind");
    const auto beat_with = [&](std::optional<std::string> circuit) {
        const Heartbeat beat{
            .worker = WorkerId{"worker-001-kind"}, .circuit_open = std::move(circuit)};
        ASSERT_THAT(storage_->workers().heartbeat({&beat, 1}, {.lease = 60s}), IsOk());
    };
    const auto id = store(for_backend("kind"));

    beat_with("no engine");
    const auto told = explained(id);
    EXPECT_EQ(told.reason, TaskReason::circuits_open);
    EXPECT_EQ(verdict_of(told, "worker-001-kind"), WorkerVerdict::circuit_open);

    enroll_as("worker-002-kind", "kind");
    EXPECT_EQ(explained(id).reason, TaskReason::claimable);

    beat_with(std::nullopt);
    EXPECT_EQ(verdict_of(explained(id), "worker-001-kind"), WorkerVerdict::available);
}

TEST_F(ExplanationOfATask, SaysWhenItsRetryMayBegin) {
    enroll();
    const auto ran = run(kWorker, a_task(1));
    const auto end = lost_to_infrastructure(ran);
    ASSERT_THAT(storage_->runs().finish({&end, 1}, {}), IsOk());

    EXPECT_EQ(explained(ran.id).reason, TaskReason::retry_not_before);

    clock_.advance(10s);
    EXPECT_EQ(explained(ran.id).reason, TaskReason::claimable);
    EXPECT_EQ(explained(ran.id).detail.attempts.size(), 1U);
}

TEST_F(ExplanationOfATask, FollowsARunByPhaseLastEventLeaseAndDeadline) {
    enroll();
    auto given = a_task();
    given.parameters.timeout_minutes = 30;
    const auto ran = run(kWorker, given);
    const EventReport report{
        .task = ran.id,
        .attempt = 1,
        .worker = kWorker,
        .events = {PhaseEvent{clock_.now(), "loop", PhaseEdge::begin}, LogEvent{.message = "hm"}}};
    ASSERT_THAT(storage_->runs().record({&report, 1}, {.lease = 60s}), IsOk());

    const auto told = explained(ran.id);
    EXPECT_EQ(told.reason, TaskReason::running);
    EXPECT_EQ(told.phase->name, "loop");
    EXPECT_EQ(std::get<LogEvent>(told.last_event->body).message, "hm");
    EXPECT_EQ(told.lease_until, clock_.now() + 60s);

    clock_.advance(61s);
    EXPECT_EQ(explained(ran.id).reason, TaskReason::lease_expired);
    clock_.advance(30min);
    EXPECT_EQ(explained(ran.id).reason, TaskReason::deadline_passed);
}

TEST_F(ExplanationOfATask, TellsAnEndAndAnUnknownTaskApart) {
    enroll();
    const auto ran = run(kWorker, a_task());
    const auto end = lost_to_infrastructure(ran);
    ASSERT_THAT(storage_->runs().finish({&end, 1}, {}), IsOk());

    EXPECT_EQ(explained(ran.id).reason, TaskReason::ended);
    EXPECT_THAT(explain(*storage_, clock_, TaskId{"none"}), IsError(Errc::not_found));
}

TEST_F(ExplanationOfATask, IsBorneOutByWhatClaimsThenTakeForEveryPendingTask) {
    enroll_as("worker-001-kind", "kind");
    enroll_as("worker-002-kind", "kind", {"net-*"});
    enroll_as("worker-003-docker", "docker", {"pod-*"});
    enroll_as("worker-004-docker", "docker");
    ASSERT_THAT(storage_->workers().retire(WorkerId{"worker-004-docker"}), IsOk());
    std::vector<TaskId> pending;
    for (int i = 0; i < 60; ++i) {
        const std::array<std::optional<std::string>, 3> backends{std::nullopt, "kind", "docker"};
        auto task = for_backend(backends.at(i % 3), i % 4 < 2 ? "net-1" : "pod-1");
        task.parameters.priority = i % 5;
        pending.push_back(store(task));
    }
    const std::vector<std::string> workers{
        "worker-001-kind", "worker-002-kind", "worker-003-docker"};

    std::size_t idle = 0;  // workers in a row that got nothing
    for (std::size_t turn = 0; idle < workers.size(); ++turn) {
        const auto& worker = workers[turn % workers.size()];
        std::map<TaskId, Explanation> told;
        for (const auto& id : pending) {
            told.emplace(id, explained(id));
        }
        const auto claimed = claim(worker);
        idle = claimed.empty() ? idle + 1 : 0;
        const auto taken = claimed.empty() ? TaskId{} : claimed.front().task.id;
        for (const auto& [id, one] : told) {
            const bool was_open = verdict_of(one, worker) == WorkerVerdict::available;
            EXPECT_TRUE(id != taken || was_open);
            // what it could have taken and did not comes behind what it took
            EXPECT_TRUE(id == taken || !was_open || (!taken.value.empty() && one.ahead > 0));
        }
        std::erase(pending, taken);
        if (!claimed.empty()) {
            finish(claimed.front().task);
        }
    }
    EXPECT_EQ(pending.size(), 10U) << "those that only the filter of the docker worker keeps";
    for (const auto& id : pending) {
        EXPECT_EQ(explained(id).reason, TaskReason::workers_offline);
    }
}

}  // namespace
}  // namespace opslab::testing
