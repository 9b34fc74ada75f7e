#include <opslab/testing/matchers.hpp>
#include <opslab/testing/storage_conformance.hpp>

#include <gmock/gmock.h>

#include <set>
#include <thread>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

EventReport report_of(const Task& task, std::vector<RunEvent> events = {}) {
    return EventReport{
        .task = task.id,
        .attempt = task.attempt,
        .worker = task.worker_id.value_or(WorkerId{"worker-001-kind"}),
        .events = std::move(events)};
}

std::vector<TaskId> ids_of(const std::vector<ClaimedTask>& claimed) {
    std::vector<TaskId> ids;
    ids.reserve(claimed.size());
    for (const auto& one : claimed) {
        ids.push_back(one.task.id);
    }
    return ids;
}

// --- claims -----------------------------------------------------------------------------------

TEST_P(StorageConformance, ClaimTakesByPriorityThenAge) {
    const auto worker = enroll("worker-001-kind", 10);
    const auto middle = submit(a_task(5)).id;
    const auto low = submit(a_task(1)).id;
    const auto high = submit(a_task(9)).id;
    const auto middle_later = submit(a_task(5)).id;

    EXPECT_THAT(ids_of(claim(worker, 10)), ElementsAre(high, middle, middle_later, low));
}

TEST_P(StorageConformance, ClaimStartsAnAttemptAndMakesTheWorkerBusy) {
    const auto worker_id = enroll();
    auto given = a_task();
    given.parameters.timeout_minutes = 7;
    submit(given);
    const auto before = clock_.now();

    const auto claimed = claim(worker_id);

    ASSERT_THAT(claimed, SizeIs(1));
    const auto& task = claimed[0].task;
    EXPECT_THAT(task.status, Eq(TaskStatus::running));
    EXPECT_THAT(task.attempt, Eq(1));
    EXPECT_THAT(task.worker_id, Optional(worker_id));
    EXPECT_THAT(task.started_at, Optional(before));
    EXPECT_THAT(claimed[0].deadline, Eq(before + 7min));
    EXPECT_THAT(detail(task.id).task, Eq(task));
    EXPECT_THAT(worker(worker_id).status, Eq(WorkerStatus::busy));
    EXPECT_THAT(worker(worker_id).current_task_id, Optional(task.id));
    EXPECT_THAT(events(task.id), SizeIs(2));
}

TEST_P(StorageConformance, ClaimNeverGivesMoreThanTheFreeSlots) {
    const auto worker = enroll("worker-001-kind", 2);
    for (int i = 0; i < 4; ++i) {
        submit(a_task());
    }
    const std::vector requests{
        ClaimRequest{.worker = worker, .max = 1}, ClaimRequest{.worker = worker, .max = 5}};

    const auto answers = runs().claim(requests, policy_);

    ASSERT_THAT(answers, IsOk());
    EXPECT_THAT(answers->at(0), IsOkAnd(SizeIs(1)));
    EXPECT_THAT(answers->at(1), IsOkAnd(SizeIs(1)));
    EXPECT_THAT(claim(worker, 5), IsEmpty());
}

TEST_P(StorageConformance, ClaimFitsBackendAndProblems) {
    const auto picky = enroll("worker-001-kind", 5, {"pod_*", "net?ork-[x]"});
    auto elsewhere = a_task();
    elsewhere.backend_type = "docker";
    submit(elsewhere);
    auto unfit = a_task();
    unfit.problem_id = "disk_full";
    submit(unfit);
    auto literal = a_task();
    literal.problem_id = "network-[x]";
    literal.backend_type = "kind";
    const auto wanted = submit(literal).id;
    auto range = a_task();
    range.problem_id = "network-x";
    submit(range);
    const auto fits = submit(a_task()).id;

    EXPECT_THAT(ids_of(claim(picky, 5)), ElementsAre(wanted, fits));
}

TEST_P(StorageConformance, NoTaskGoesToTwoClaimers) {
    constexpr int kWorkers = 4;
    constexpr int kTasks = 60;
    Submission batch;
    for (int i = 0; i < kTasks; ++i) {
        batch.tasks.push_back(a_task());
    }
    ASSERT_THAT(tasks().submit({&batch, 1}), IsOk());
    std::vector<WorkerId> ids;
    ids.reserve(kWorkers);
    for (int i = 0; i < kWorkers; ++i) {
        ids.push_back(enroll("worker-00" + std::to_string(i) + "-kind", 100));
    }
    std::vector<std::vector<TaskId>> got(kWorkers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kWorkers; ++i) {
        threads.emplace_back([&, i] {
            for (auto some = claim(ids[i], 3); !some.empty(); some = claim(ids[i], 3)) {
                for (const auto& one : some) {
                    got[i].push_back(one.task.id);
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }

    std::multiset<TaskId> all;
    for (const auto& some : got) {
        all.insert(some.begin(), some.end());
    }
    EXPECT_THAT(all, SizeIs(kTasks));
    EXPECT_THAT(std::set<TaskId>(all.begin(), all.end()), SizeIs(kTasks));
}

TEST_P(StorageConformance, OneThatGetsNothingKeepsNoOtherOfItsCallFromATask) {
    const std::vector ids{
        enroll("worker-001-kind", 1, {"net-*"}),
        enroll("worker-002-kind", 1, {"net-*"}),
        enroll("worker-003-kind", 2),
        enroll("worker-004-kind", 1),
        enroll("worker-005-docker", 1),
        enroll("worker-006-docker", 1)};
    auto for_any = a_task();
    for_any.problem_id = "disk-1";
    const auto any = submit(for_any).id;
    auto for_docker = a_task();
    for_docker.backend_type = "docker";
    const auto docker = submit(for_docker).id;
    std::vector<ClaimRequest> requests;
    requests.reserve(ids.size());
    for (const auto& id : ids) {
        requests.push_back({.worker = id, .max = 2});
    }

    const auto claimed = runs().claim(requests, policy_);

    ASSERT_THAT(claimed, IsOk());
    std::vector<std::vector<TaskId>> given;
    for (const auto& one : *claimed) {
        ASSERT_THAT(one, IsOk());
        given.push_back(ids_of(*one));
    }
    EXPECT_THAT(
        given,
        ElementsAre(
            IsEmpty(), IsEmpty(), ElementsAre(any), IsEmpty(), ElementsAre(docker), IsEmpty()
        )
    );
}

TEST_P(StorageConformance, ClaimByUnknownOrOfflineWorkerIsRefused) {
    const auto worker = enroll();
    ASSERT_THAT(workers().retire(worker), IsOk());
    submit(a_task());
    const std::vector requests{
        ClaimRequest{.worker = WorkerId{"worker-999-kind"}}, ClaimRequest{.worker = worker}};

    const auto answers = runs().claim(requests, policy_);

    ASSERT_THAT(answers, IsOk());
    EXPECT_THAT(answers->at(0), IsError(Errc::not_found));
    EXPECT_THAT(answers->at(1), IsError(Errc::conflict));
    EXPECT_THAT(tasks().counts()->tasks.pending, Eq(1));
}

// --- events -----------------------------------------------------------------------------------

TEST_P(StorageConformance, EventsAreGaplessAndReadBackInOrder) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());
    const LogEvent line{
        .id = LogId{make_uuid(clock_.now(), entropy_)},
        .at = clock_.now(),
        .level = LogLevel::warning,
        .message = "naïve 東京",
        .context_json = R"({"step":1})"};
    const StepEvent step{.at = clock_.now(), .step = 1, .body_json = R"({"step":1,"reward":0.1})"};
    const PhaseEvent begin{.at = clock_.now(), .name = "setup", .edge = PhaseEdge::begin};
    const PhaseEvent end{.at = clock_.now() + 3s, .name = "setup", .edge = PhaseEdge::end};
    const std::vector reports{report_of(task, {line, step}), report_of(task, {begin, end})};

    const auto receipts = runs().record(reports, policy_);

    ASSERT_THAT(receipts, IsOk());
    EXPECT_THAT(receipts->at(0)->deadline, Eq(*task.started_at + 30min));
    const auto stored = events(task.id);
    ASSERT_THAT(stored, SizeIs(6));
    for (std::size_t i = 0; i < stored.size(); ++i) {
        EXPECT_THAT(stored[i].seq, Eq(static_cast<std::int64_t>(i + 1)));
    }
    EXPECT_TRUE(std::get<LogEvent>(stored[2].body) == line);
    EXPECT_TRUE(std::get<StepEvent>(stored[3].body) == step);
    EXPECT_TRUE(std::get<PhaseEvent>(stored[5].body) == end);
    EXPECT_THAT(history().steps(task.id, 0), IsOkAnd(SizeIs(1)));
    EXPECT_THAT(
        history().logs({.task = task.id, .min_level = LogLevel::error}), IsOkAnd(IsEmpty())
    );
    EXPECT_THAT(history().logs({.task = task.id, .since = line.at}), IsOkAnd(IsEmpty()));
    EXPECT_THAT(history().logs({.task = task.id}), IsOkAnd(SizeIs(1)));
    EXPECT_THAT(
        detail(task.id).phases,
        ElementsAre(PhaseSpan{.name = "setup", .begin = begin.at, .end = end.at})
    );
}

TEST_P(StorageConformance, EventsCanBeFollowedWhileTheyAreWritten) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());
    constexpr std::int64_t kReports = 40;
    std::thread writer{[&] {
        for (std::int64_t i = 0; i < kReports; ++i) {
            const auto report = report_of(task, {LogEvent{}, LogEvent{}});
            EXPECT_THAT(runs().record({&report, 1}, policy_)->at(0), IsOk());
        }
    }};
    std::int64_t last = 0;
    while (last < 2 + 2 * kReports) {
        const auto some = history().events(task.id, last, 7);
        ASSERT_THAT(some, IsOk());
        for (const auto& event : *some) {
            ASSERT_THAT(event.seq, Eq(last + 1));
            last = event.seq;
        }
    }
    writer.join();
}

TEST_P(StorageConformance, OnlyTheOwnerOfTheRunningAttemptMayReport) {
    const auto worker = enroll();
    enroll("worker-002-kind");
    const auto task = running_task(worker, a_task());
    auto wrong_attempt = report_of(task, {LogEvent{}});
    wrong_attempt.attempt = 2;
    auto wrong_worker = report_of(task, {LogEvent{}});
    wrong_worker.worker = WorkerId{"worker-002-kind"};
    auto unknown_worker = report_of(task);
    unknown_worker.worker = WorkerId{"worker-003-kind"};
    auto unknown_task = report_of(task);
    unknown_task.task = TaskId{"00000000-0000-7000-8000-000000000000"};
    const std::vector reports{wrong_attempt, wrong_worker, unknown_worker, unknown_task};

    const auto answers = runs().record(reports, policy_);

    ASSERT_THAT(answers, IsOk());
    EXPECT_THAT(answers->at(0), IsError(Errc::stale_attempt));
    EXPECT_THAT(answers->at(1), IsError(Errc::stale_attempt));
    EXPECT_THAT(answers->at(2), IsError(Errc::not_found));
    EXPECT_THAT(answers->at(3), IsError(Errc::not_found));
    EXPECT_THAT(events(task.id), SizeIs(2));
}

TEST_P(StorageConformance, TheHandleIsKeptForASuccessor) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());
    auto report = report_of(task);
    report.handle = "v1:container";
    ASSERT_THAT(runs().record({&report, 1}, policy_), IsOk());

    const auto found = runs().running(worker);

    ASSERT_THAT(found, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(found->at(0).task, Eq(task));
    EXPECT_THAT(found->at(0).handle, Optional(std::string{"v1:container"}));
}

TEST_P(StorageConformance, AReportSentTwiceIsStoredOnce) {
    const auto worker = enroll();
    submit(a_task());
    const auto claimed = claim(worker);
    ASSERT_THAT(claimed, SizeIs(1));
    const auto& task = claimed[0].task;
    EXPECT_THAT(claimed[0].last_seq, Eq(2));
    const auto line = [&](const char* message) {
        return LogEvent{
            .id = LogId{make_uuid(clock_.now(), entropy_)}, .at = clock_.now(), .message = message};
    };
    auto first = report_of(task, {line("a"), line("b")});
    first.first_seq = claimed[0].last_seq + 1;
    auto overlapping = report_of(task, {line("b"), line("c")});
    overlapping.first_seq = claimed[0].last_seq + 2;
    auto past_the_end = report_of(task, {line("e")});
    past_the_end.first_seq = claimed[0].last_seq + 5;
    const std::vector reports{first, first, overlapping, past_the_end};

    const auto receipts = runs().record(reports, policy_);

    ASSERT_THAT(receipts, IsOk());
    EXPECT_THAT(receipts->at(0)->last_seq, Eq(4));
    EXPECT_THAT(receipts->at(1)->last_seq, Eq(4));
    EXPECT_THAT(receipts->at(2)->last_seq, Eq(5));
    EXPECT_THAT(receipts->at(3), IsError(Errc::conflict));
    std::string messages;
    const auto logs = history().logs({.task = task.id});
    for (const auto& log : logs.value()) {
        messages += log.log.message;
    }
    EXPECT_THAT(messages, Eq("abc"));
    EXPECT_THAT(runs().running(worker)->at(0).last_seq, Eq(5));
}

// --- ends -------------------------------------------------------------------------------------

TEST_P(StorageConformance, AResultCompletesTheTask) {
    const auto worker_id = enroll();
    const auto task = running_task(worker_id, a_task());
    clock_.advance(9s);

    const auto done = finish(success_of(task));

    ASSERT_THAT(done, IsOk());
    EXPECT_THAT(done->status, Eq(TaskStatus::completed));
    EXPECT_THAT(done->completed_at, Optional(clock_.now()));
    EXPECT_THAT(done->worker_id, Optional(worker_id));
    const auto full = detail(task.id);
    ASSERT_TRUE(full.result.has_value());
    EXPECT_THAT(full.result->reward, Optional(0.1));
    EXPECT_TRUE(full.result->success);
    EXPECT_THAT(full.failure, Eq(std::nullopt));
    EXPECT_THAT(worker(worker_id).status, Eq(WorkerStatus::idle));
    EXPECT_THAT(worker(worker_id).current_task_id, Eq(std::nullopt));
    EXPECT_THAT(worker(worker_id).tasks_completed, Eq(1));
}

TEST_P(StorageConformance, ATaskFailureIsNotRetried) {
    const auto worker_id = enroll();
    auto given = a_task();
    given.parameters.max_retries = 3;
    const auto task = running_task(worker_id, given);

    const auto done = finish(failure_of(task, FailureKind::task));

    EXPECT_THAT(done->status, Eq(TaskStatus::failed));
    const auto full = detail(task.id);
    ASSERT_TRUE(full.failure.has_value());
    EXPECT_THAT(full.failure->phase, Eq("setup"));
    EXPECT_THAT(full.error_details, Optional(std::string{"stderr said so"}));
    EXPECT_THAT(worker(worker_id).tasks_failed, Eq(1));
}

TEST_P(StorageConformance, AnInfrastructureFailureComesAgainAfterItsBackOff) {
    const auto worker = enroll();
    auto given = a_task();
    given.parameters.max_retries = 1;
    const auto task = running_task(worker, given);

    const auto retried = finish(failure_of(task, FailureKind::infrastructure));

    ASSERT_THAT(retried, IsOk());
    EXPECT_THAT(retried->status, Eq(TaskStatus::pending));
    EXPECT_THAT(retried->worker_id, Eq(std::nullopt));
    EXPECT_THAT(retried->attempt, Eq(1));
    ASSERT_TRUE(retried->not_before.has_value());
    EXPECT_GE(*retried->not_before, clock_.now() + 4s);
    EXPECT_LE(*retried->not_before, clock_.now() + 6s);
    EXPECT_THAT(claim(worker), IsEmpty());
    clock_.advance(6s);
    const auto second = claim(worker);
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_THAT(second[0].task.attempt, Eq(2));
    EXPECT_THAT(second[0].task.not_before, Eq(std::nullopt));
    EXPECT_THAT(
        finish(failure_of(second[0].task, FailureKind::infrastructure, "d2"))->status,
        Eq(TaskStatus::failed)
    );
    EXPECT_THAT(detail(task.id).attempts, SizeIs(2));
}

TEST_P(StorageConformance, TheSameEndAgainIsAnsweredAlsoAfterARetry) {
    const auto worker = enroll();
    auto given = a_task();
    given.parameters.max_retries = 1;
    const auto task = running_task(worker, given);
    const auto end = failure_of(task, FailureKind::infrastructure, "same");
    ASSERT_THAT(finish(end), IsOk());

    EXPECT_THAT(finish(end)->status, Eq(TaskStatus::pending));
    auto other = end;
    other.digest = "other";
    EXPECT_THAT(finish(other), IsError(Errc::stale_attempt));
    clock_.advance(10s);
    ASSERT_THAT(claim(worker), SizeIs(1));
    EXPECT_THAT(finish(end)->status, Eq(TaskStatus::running));
    EXPECT_THAT(workers().find(worker)->tasks_failed, Eq(1));
}

// The full product: what the table allows ends where it says, all else changes nothing.
TEST_P(StorageConformance, EveryEventInEveryStatusFollowsTheTable) {
    const auto worker_id = enroll("worker-001-kind", 100);
    for (const auto status : kTaskStatuses) {
        for (const auto event : kTaskEvents) {
            SCOPED_TRACE(std::string{to_string(status)} + " " + std::string{to_string(event)});
            // an earlier row may have left tasks open: they would be claimed before ours
            const auto before_it = tasks().list({.limit = 100});
            ASSERT_THAT(before_it, IsOk());
            for (const auto& open : before_it->tasks) {
                if (!is_terminal(open.status)) {
                    ASSERT_THAT(cancel(open.id), IsOk());
                }
            }
            const auto task = task_in(status, worker_id);
            const auto before = detail(task.id);
            const auto expected = next_status(status, event);

            bool refused = false;
            switch (event) {
                case TaskEvent::claimed:
                    refused = claim(worker_id).empty();
                    break;
                case TaskEvent::completed:
                    refused = !finish(success_of(task)).has_value();
                    break;
                case TaskEvent::failed:
                    refused = !finish(failure_of(task)).has_value();
                    break;
                case TaskEvent::retried:
                    continue;  // needs retries left: the tests above
                case TaskEvent::timed_out:
                    beat(worker_id);
                    clock_.advance(31min);
                    beat(worker_id);
                    refused = runs().sweep(SweepPolicy{})->timed_out.empty();
                    break;
                case TaskEvent::cancel_asked:
                    refused = !cancel(task.id).has_value();
                    break;
            }

            EXPECT_THAT(refused, Eq(!expected.has_value()));
            if (expected) {
                EXPECT_THAT(detail(task.id).task.status, Eq(*expected));
            } else {
                EXPECT_TRUE(detail(task.id) == before);
            }
        }
    }
}

// --- cancels ----------------------------------------------------------------------------------

TEST_P(StorageConformance, CancelOfAWaitingTaskHasNoWorker) {
    const auto task = submit(a_task());

    const auto cancelled = cancel(task.id);

    ASSERT_THAT(cancelled, IsOk());
    EXPECT_THAT(cancelled->status, Eq(TaskStatus::cancelled));
    EXPECT_THAT(cancelled->worker_id, Eq(std::nullopt));
    EXPECT_TRUE(cancelled->completed_at.has_value());
    EXPECT_THAT(detail(task.id).failure->kind, Eq(FailureKind::cancelled));
    EXPECT_THAT(cancel(task.id), IsError(Errc::conflict));
    EXPECT_THAT(cancel(TaskId{"00000000-0000-7000-8000-000000000000"}), IsError(Errc::not_found));
}

TEST_P(StorageConformance, CancelOfARunIsToldUntilTheWorkerStopsNamingIt) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());

    ASSERT_THAT(cancel(task.id)->worker_id, Optional(worker));

    const auto report = report_of(task, {LogEvent{}});
    EXPECT_THAT(runs().record({&report, 1}, policy_)->at(0), IsError(Errc::stale_attempt));
    EXPECT_THAT(beat(worker, task.id).cancel, ElementsAre(task.id));
    EXPECT_THAT(beat(worker, task.id).cancel, ElementsAre(task.id));
    EXPECT_THAT(beat(worker).cancel, IsEmpty());
    EXPECT_THAT(beat(worker, task.id).cancel, IsEmpty());
    EXPECT_THAT(detail(task.id).failure->kind, Eq(FailureKind::cancelled));
}

TEST_P(StorageConformance, ACancelIsToldAtLeastOnceToAWorkerThatNamesNothing) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());
    ASSERT_THAT(cancel(task.id), IsOk());

    EXPECT_THAT(beat(worker).cancel, ElementsAre(task.id));
    EXPECT_THAT(beat(worker).cancel, IsEmpty());
}

// --- sweeps -----------------------------------------------------------------------------------

TEST_P(StorageConformance, ALostLeaseFailsTheTaskAndSaysWhatIsKnown) {
    const auto worker_id = enroll();
    const auto task = running_task(worker_id, a_task());
    clock_.advance(61s);

    const auto report = runs().sweep(SweepPolicy{});

    ASSERT_THAT(report, IsOk());
    ASSERT_THAT(report->lost, SizeIs(1));
    EXPECT_THAT(report->lost[0].status, Eq(TaskStatus::failed));
    EXPECT_THAT(report->workers_offline, ElementsAre(worker_id));
    const auto full = detail(task.id);
    EXPECT_THAT(full.failure->kind, Eq(FailureKind::worker_lost));
    EXPECT_THAT(full.error_details, Optional(HasSubstr(worker_id.value)));
    EXPECT_THAT(worker(worker_id).status, Eq(WorkerStatus::offline));
    EXPECT_THAT(finish(success_of(task)), IsError(Errc::stale_attempt));
    EXPECT_THAT(runs().sweep(SweepPolicy{})->lost, IsEmpty());
}

TEST_P(StorageConformance, AWorkerThatIsOfflineForLongIsForgottenAndWhatItRanStays) {
    const auto gone = enroll();
    const auto task = running_task(gone, a_task());
    ASSERT_THAT(finish(success_of(task)), IsOk());
    clock_.advance(30s);
    const auto other = enroll("worker-002-kind");
    const SweepPolicy policy{.worker_retention = 1h};
    clock_.advance(59min);
    EXPECT_THAT(runs().sweep(policy)->workers_offline, SizeIs(2));
    EXPECT_THAT(worker(gone).status, Eq(WorkerStatus::offline));

    clock_.advance(30s);
    EXPECT_THAT(runs().sweep(policy)->workers_forgotten, ElementsAre(gone));

    EXPECT_THAT(workers().find(gone), IsError(Errc::not_found));
    EXPECT_THAT(workers().find(other), IsOk());
    EXPECT_THAT(detail(task.id).task.worker_id, Optional(gone));
    EXPECT_THAT(runs().sweep(policy)->workers_forgotten, IsEmpty());
}

TEST_P(StorageConformance, AWorkerThatHoldsARunningAttemptIsNeverForgotten) {
    const auto holder = enroll();
    auto given = a_task();
    given.parameters.timeout_minutes = 180;
    const auto task = running_task(holder, given);
    ASSERT_THAT(workers().retire(holder), IsOk());
    const SweepPolicy policy{.worker_retention = 1min};
    // a report that came late keeps the lease, not the worker
    clock_.advance(2min);
    auto kept = policy;
    kept.heartbeat_timeout = 1h;
    auto report = report_of(task);
    ASSERT_THAT(runs().record({&report, 1}, policy_)->at(0), IsOk());

    EXPECT_THAT(runs().sweep(kept)->workers_forgotten, IsEmpty());
    EXPECT_THAT(workers().find(holder), IsOk());

    ASSERT_THAT(finish(success_of(task)), IsOk());
    EXPECT_THAT(runs().sweep(kept)->workers_forgotten, ElementsAre(holder));
}

TEST_P(StorageConformance, WorkersAreKeptForEverWhereNoRetentionIsSet) {
    const auto kept = enroll();
    clock_.advance(24h * 3650);

    EXPECT_THAT(runs().sweep(SweepPolicy{})->workers_forgotten, IsEmpty());
    EXPECT_THAT(worker(kept).status, Eq(WorkerStatus::offline));
}

TEST_P(StorageConformance, ALostLeaseIsRetriedWhileRetriesAreLeft) {
    const auto worker = enroll();
    auto given = a_task();
    given.parameters.max_retries = 1;
    running_task(worker, given);
    clock_.advance(61s);

    EXPECT_THAT(runs().sweep(SweepPolicy{})->lost.at(0).status, Eq(TaskStatus::pending));
}

TEST_P(StorageConformance, HeartbeatsAndEventsRenewTheLease) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());
    clock_.advance(50s);
    beat(worker, task.id);
    clock_.advance(50s);
    const auto report = report_of(task);
    ASSERT_THAT(runs().record({&report, 1}, policy_)->at(0), IsOk());
    clock_.advance(50s);

    EXPECT_THAT(runs().sweep(SweepPolicy{})->lost, IsEmpty());
    EXPECT_THAT(detail(task.id).task.status, Eq(TaskStatus::running));
}

TEST_P(StorageConformance, ADeadlineWinsOverALease) {
    const auto worker = enroll();
    auto given = a_task();
    given.parameters.timeout_minutes = 1;
    given.parameters.max_retries = 5;
    running_task(worker, given);
    clock_.advance(61s);

    const auto report = runs().sweep(SweepPolicy{.expire_leases = false});

    EXPECT_THAT(report->lost, IsEmpty());
    ASSERT_THAT(report->timed_out, SizeIs(1));
    EXPECT_THAT(report->timed_out[0].status, Eq(TaskStatus::timeout));
    EXPECT_THAT(detail(report->timed_out[0].id).failure->kind, Eq(FailureKind::timeout));
}

TEST_P(StorageConformance, LeasesAreSparedWhenAsked) {
    const auto worker = enroll();
    const auto task = running_task(worker, a_task());
    clock_.advance(61s);

    EXPECT_THAT(runs().sweep(SweepPolicy{.expire_leases = false})->lost, IsEmpty());
    EXPECT_THAT(detail(task.id).task.status, Eq(TaskStatus::running));
}

TEST_P(StorageConformance, ASweepStopsAtItsLimitAndSaysSo) {
    const auto worker = enroll("worker-001-kind", 10);
    for (int i = 0; i < 5; ++i) {
        running_task(worker, a_task());
    }
    clock_.advance(61s);

    const auto first = runs().sweep(SweepPolicy{.limit = 3});
    const auto second = runs().sweep(SweepPolicy{.limit = 3});

    EXPECT_THAT(first->lost, SizeIs(3));
    EXPECT_TRUE(first->more);
    EXPECT_THAT(second->lost, SizeIs(2));
    EXPECT_FALSE(second->more);
}

// --- workers ----------------------------------------------------------------------------------

TEST_P(StorageConformance, ALiveIdIsNotGivenAway) {
    const auto id = enroll();
    const NewWorker again{.id = id, .backend_type = "kind", .max_parallel_tasks = 3};

    EXPECT_THAT(workers().enroll(again, Takeover::refuse), IsError(Errc::conflict));
    EXPECT_THAT(workers().enroll(again, Takeover::succeed)->max_parallel_tasks, Eq(3));
    ASSERT_THAT(workers().retire(id), IsOk());
    EXPECT_THAT(workers().retire(id), IsOk());
    EXPECT_THAT(workers().enroll(again, Takeover::refuse), IsOk());
    EXPECT_THAT(workers().retire(WorkerId{"worker-009-kind"}), IsError(Errc::not_found));
    EXPECT_THAT(workers().find(WorkerId{"worker-009-kind"}), IsError(Errc::not_found));
    EXPECT_THAT(workers().stats(WorkerId{"worker-009-kind"}), IsError(Errc::not_found));
}

TEST_P(StorageConformance, AHintIsWhatAClaimWouldGive) {
    const auto worker_id = enroll();
    const auto waiting = submit(a_task()).id;
    submit(a_task());

    EXPECT_THAT(beat(worker_id).next_task, Optional(waiting));
    claim(worker_id);
    EXPECT_THAT(beat(worker_id, waiting).next_task, Eq(std::nullopt));
}

TEST_P(StorageConformance, AnOfflineWorkerThatBeatsIsBack) {
    const auto id = enroll();
    ASSERT_THAT(workers().retire(id), IsOk());

    beat(id);

    EXPECT_THAT(worker(id).status, Eq(WorkerStatus::idle));
    EXPECT_THAT(worker(id).last_heartbeat, Eq(clock_.now()));
    EXPECT_THAT(workers().list({.status = WorkerStatus::idle}), IsOkAnd(SizeIs(1)));
    EXPECT_THAT(workers().list({.backend_type = "docker"}), IsOkAnd(IsEmpty()));
    EXPECT_THAT(tasks().counts()->workers_idle, Eq(1));
}

TEST_P(StorageConformance, AnOpenCircuitIsKeptUntilTheNextWordOfTheWorker) {
    const auto id = enroll();
    const auto beat_with = [&](std::optional<std::string> why) {
        const Heartbeat beat{.worker = id, .circuit_open = std::move(why)};
        EXPECT_THAT(workers().heartbeat({&beat, 1}, policy_), IsOk());
    };

    beat_with("no engine: 'x' \"y\"");
    EXPECT_THAT(worker(id).circuit_open, Optional(std::string("no engine: 'x' \"y\"")));
    EXPECT_THAT(tasks().outlook(submit(a_task()).id)->workers.at(0).worker, Eq(worker(id)));

    beat_with(std::nullopt);
    EXPECT_THAT(worker(id).circuit_open, Eq(std::nullopt));

    beat_with("again");
    ASSERT_THAT(workers().retire(id), IsOk());
    EXPECT_THAT(worker(enroll()).circuit_open, Eq(std::nullopt));
}

// --- the feed and the outbox ------------------------------------------------------------------

TEST_P(StorageConformance, TheFeedGivesEveryFinishedAttemptOnceInOrder) {
    const auto worker = enroll("worker-001-kind", 100);
    auto grouped = a_task(10);
    grouped.group_id = "g";
    grouped.parameters.max_retries = 1;
    const auto retried = running_task(worker, grouped);
    ASSERT_THAT(finish(failure_of(retried, FailureKind::infrastructure)), IsOk());
    const auto completed = task_in(TaskStatus::completed, worker);
    const auto cancelled = task_in(TaskStatus::cancelled, worker);
    const auto never_ran = submit(a_task());
    ASSERT_THAT(cancel(never_ran.id), IsOk());

    std::vector<TaskId> seen;
    FeedQuery query{.limit = 1};
    for (bool more = true; more;) {
        const auto page = history().feed(query);
        ASSERT_THAT(page, IsOk());
        for (const auto& one : page->attempts) {
            seen.push_back(one.task);
        }
        query.after = page->position;
        more = page->more;
    }
    EXPECT_THAT(seen, ElementsAre(retried.id, completed.id, cancelled.id));
    EXPECT_THAT(history().feed({.after = query.after})->attempts, IsEmpty());
    EXPECT_THAT(history().feed({.group_id = "g"})->attempts, SizeIs(1));
    const auto results = history().feed({.status = TaskStatus::completed});
    ASSERT_THAT(results->attempts, SizeIs(1));
    EXPECT_THAT(results->attempts[0].result->reward, Optional(0.1));
    EXPECT_THAT(results->position, Eq(query.after));
}

TEST_P(StorageConformance, ATerminalStatusPutsItsCallbackIntoTheOutbox) {
    const auto worker = enroll();
    auto given = a_task();
    given.parameters.callback_url = "https://example.org/x";
    given.parameters.max_retries = 1;
    const auto task = running_task(worker, given);
    ASSERT_THAT(finish(failure_of(task, FailureKind::infrastructure)), IsOk());
    EXPECT_THAT(outbox().take_due(10, 60s), IsOkAnd(IsEmpty()));
    ASSERT_THAT(cancel(task.id), IsOk());

    const auto due = outbox().take_due(10, 60s);

    ASSERT_THAT(due, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(due->at(0).status, Eq(TaskStatus::cancelled));
    EXPECT_THAT(due->at(0).tries, Eq(0));
    EXPECT_THAT(outbox().take_due(10, 60s), IsOkAnd(IsEmpty()));
    clock_.advance(60s);
    const auto again = outbox().take_due(10, 60s);
    ASSERT_THAT(again, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(again->at(0).id, Eq(due->at(0).id));
    EXPECT_THAT(again->at(0).tries, Eq(1));
    // it was taken twice, and posted once
    const DeliveryOutcome later{.id = due->at(0).id, .again_after = 5s, .tries = 1};
    ASSERT_THAT(outbox().settle({&later, 1}), IsOk());
    clock_.advance(5s);
    const auto third = outbox().take_due(10, 60s);
    ASSERT_THAT(third, IsOkAnd(SizeIs(1)));
    EXPECT_THAT(third->at(0).tries, Eq(1));
    const DeliveryOutcome done{.id = due->at(0).id};
    ASSERT_THAT(outbox().settle({&done, 1}), IsOk());
    clock_.advance(1h);
    EXPECT_THAT(outbox().take_due(10, 60s), IsOkAnd(IsEmpty()));
}

}  // namespace
}  // namespace opslab::testing
