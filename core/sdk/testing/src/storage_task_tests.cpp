#include <opslab/testing/matchers.hpp>
#include <opslab/testing/storage_conformance.hpp>

#include <gmock/gmock.h>

#include <thread>

namespace opslab::testing {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StorageConformance);

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

Submission keyed(NewTask task, const std::string& fingerprint) {
    return Submission{
        .tasks = {std::move(task)},
        .key = IdempotencyKey{.space = KeySpace::task, .key = "k-1", .fingerprint = fingerprint}};
}

TEST_P(StorageConformance, SubmittedTaskReadsBackAsItWasGiven) {
    auto given = a_task(7);
    given.parameters.agent_config_json = R"({"model":"Größe 東京 🚀"})";
    given.parameters.metadata_json = "{\"blob\":\"" + std::string(1 << 20, 'x') + "\"}";
    given.parameters.callback_url = "https://example.org/hook";
    given.backend_type = "kind";
    given.group_id = "sweep-1";
    given.origin = {
        .request_id = "mine-1",
        .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
    const auto before = clock_.now();

    const auto task = submit(given);

    const auto stored = detail(task.id).task;
    EXPECT_THAT(stored, Eq(task));
    EXPECT_TRUE(stored.parameters == given.parameters);
    EXPECT_TRUE(stored.origin == given.origin);
    EXPECT_THAT(stored.created_at, Eq(before));
    EXPECT_THAT(stored.group_id, Optional(std::string{"sweep-1"}));
    EXPECT_THAT(stored.attempt, Eq(0));
    EXPECT_THAT(events(task.id), ElementsAre(Field(&StoredEvent::seq, Eq(1))));
}

TEST_P(StorageConformance, UnknownTasksAreLeftOutOfDetails) {
    const auto task = submit(a_task());
    const std::vector<TaskId> ids{TaskId{"00000000-0000-7000-8000-000000000000"}, task.id};

    const auto found = tasks().details(ids);

    ASSERT_THAT(found, IsOk());
    EXPECT_THAT(*found, SizeIs(1));
}

TEST_P(StorageConformance, SameKeyAndBodyAnswersTheFirstTask) {
    const std::vector first{keyed(a_task(), "body")};
    const std::vector second{keyed(a_task(), "body")};

    const auto stored = tasks().submit(first);
    const auto replay = tasks().submit(second);

    ASSERT_THAT(stored, IsOk());
    ASSERT_THAT(replay, IsOk());
    EXPECT_TRUE(replay->at(0)->replayed);
    EXPECT_THAT(replay->at(0)->tasks, Eq(stored->at(0)->tasks));
    EXPECT_THAT(tasks().counts()->tasks.pending, Eq(1));
}

TEST_P(StorageConformance, SameKeyWithAnotherBodyIsAConflictAndSpoilsNoNeighbour) {
    const std::vector batch{
        keyed(a_task(), "body"), keyed(a_task(), "other"), Submission{.tasks = {a_task()}}};

    const auto answers = tasks().submit(batch);

    ASSERT_THAT(answers, IsOk());
    EXPECT_THAT(answers->at(0), IsOk());
    EXPECT_THAT(answers->at(1), IsError(Errc::conflict));
    EXPECT_THAT(answers->at(1).error().reason, Eq("idempotency_conflict"));
    EXPECT_THAT(answers->at(2), IsOk());
    EXPECT_THAT(tasks().counts()->tasks.pending, Eq(2));
}

TEST_P(StorageConformance, ARefusedSubmissionStoresNothingButAReplayOfItsKeyIsAnswered) {
    auto refused = keyed(a_task(), "body");
    refused.refusal = Error{.code = Errc::invalid_argument, .message = "not here"};
    const std::vector before{refused, Submission{.tasks = {a_task()}}};
    const std::vector accepted{keyed(a_task(), "body")};
    const std::vector after{refused};

    const auto answers = tasks().submit(before);
    const auto stored = tasks().submit(accepted);
    const auto replay = tasks().submit(after);

    ASSERT_THAT(answers, IsOk());
    EXPECT_THAT(answers->at(0), IsError(Errc::invalid_argument));
    EXPECT_THAT(answers->at(0).error().message, Eq("not here"));
    EXPECT_THAT(answers->at(1), IsOk());
    ASSERT_THAT(stored, IsOk());
    EXPECT_FALSE(stored->at(0)->replayed);
    ASSERT_THAT(replay, IsOk());
    EXPECT_TRUE(replay->at(0)->replayed);
    EXPECT_THAT(replay->at(0)->tasks, Eq(stored->at(0)->tasks));
    EXPECT_THAT(tasks().counts()->tasks.pending, Eq(2));
}

TEST_P(StorageConformance, ConcurrentSubmissionsOfOneKeyStoreOneTask) {
    std::vector<Submission> given;
    given.reserve(8);
    for (int i = 0; i < 8; ++i) {
        given.push_back(keyed(a_task(), "body"));
    }
    std::vector<TaskId> answered(given.size());
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < given.size(); ++i) {
        clients.emplace_back([&, i] {
            answered[i] = tasks().submit({&given[i], 1})->at(0)->tasks.at(0).id;
        });
    }
    for (auto& client : clients) {
        client.join();
    }

    EXPECT_THAT(answered, ::testing::Each(answered.front()));
    EXPECT_THAT(tasks().counts()->tasks.pending, Eq(1));
}

TEST_P(StorageConformance, ASubmissionWithANulIsRefusedWhole) {
    auto bad = a_task();
    bad.parameters.metadata_json = std::string("{\"a\":\"\0\"}", 9);
    const std::vector batch{Submission{.tasks = {a_task(), bad}}};

    const auto answers = tasks().submit(batch);

    ASSERT_THAT(answers, IsOk());
    EXPECT_THAT(answers->at(0), IsError(Errc::invalid_argument));
    EXPECT_THAT(tasks().counts()->tasks, Eq(StatusCounts{}));
}

TEST_P(StorageConformance, ABatchKeepsItsOrderWhateverItsIds) {
    Submission batch;
    for (int i = 0; i < 50; ++i) {
        batch.tasks.push_back(a_task());
    }
    ASSERT_THAT(tasks().submit({&batch, 1}), IsOk());

    const auto page = tasks().list(TaskQuery{.sort = TaskSort::created_up, .limit = 100});

    ASSERT_THAT(page, IsOk());
    ASSERT_THAT(page->tasks, SizeIs(50));
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_THAT(page->tasks[i].id, Eq(batch.tasks[i].id));
    }
}

TEST_P(StorageConformance, PagesByCursorAreStableWhileTasksArrive) {
    for (const auto sort :
         {TaskSort::created_up,
          TaskSort::created_down,
          TaskSort::priority_up,
          TaskSort::priority_down}) {
        const auto group = "g" + std::to_string(static_cast<int>(sort));
        std::vector<TaskId> expected;
        for (int i = 0; i < 7; ++i) {
            auto task = a_task(i % 3);
            task.group_id = group;
            expected.push_back(submit(task).id);
        }
        const bool by_priority = sort == TaskSort::priority_up || sort == TaskSort::priority_down;
        TaskQuery query{.group_id = group, .sort = sort, .limit = 3};
        std::vector<TaskId> seen;
        for (bool more = true; more;) {
            const auto page = tasks().list(query);
            ASSERT_THAT(page, IsOk());
            for (const auto& task : page->tasks) {
                seen.push_back(task.id);
            }
            more = page->more;
            const auto& last = page->tasks.back();
            query.after = TaskCursor{
                by_priority ? last.parameters.priority : to_micros(last.created_at), last.id};
            if (sort == TaskSort::created_down) {  // newer ones belong to a page before
                auto late = a_task();
                late.group_id = group;
                submit(late);
            }
        }
        EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(expected)) << group;
        if (sort == TaskSort::created_up) {
            EXPECT_THAT(seen, Eq(expected));
        }
    }
}

TEST_P(StorageConformance, TiesInTheSortAreBrokenById) {
    for (int i = 0; i < 6; ++i) {
        submit(a_task(4));
    }
    const auto up = tasks().list(TaskQuery{.sort = TaskSort::priority_up});
    const auto down = tasks().list(TaskQuery{.sort = TaskSort::priority_down});

    ASSERT_THAT(up, IsOk());
    std::vector<TaskId> rising;
    for (const auto& task : up->tasks) {
        rising.push_back(task.id);
    }
    std::vector<TaskId> falling;
    for (const auto& task : down->tasks) {
        falling.push_back(task.id);
    }
    EXPECT_TRUE(std::is_sorted(rising.begin(), rising.end()));
    EXPECT_THAT(std::vector<TaskId>(falling.rbegin(), falling.rend()), Eq(rising));
}

TEST_P(StorageConformance, FiltersNarrowPagesAndTotals) {
    const auto worker = enroll();
    running_task(worker, a_task());
    auto other = a_task();
    other.problem_id = "network_loss-localization-2";
    other.backend_type = "docker";
    submit(other);
    submit(a_task());

    const auto count = [&](const TaskQuery& query) { return tasks().list(query)->total; };

    EXPECT_THAT(count({}), Eq(3));
    EXPECT_THAT(count({.status = TaskStatus::pending}), Eq(2));
    EXPECT_THAT(count({.problem_id = other.problem_id}), Eq(1));
    EXPECT_THAT(count({.status = TaskStatus::running, .problem_id = other.problem_id}), Eq(0));
    EXPECT_THAT(count({.worker_id = worker}), Eq(1));
    EXPECT_THAT(count({.backend_type = "docker"}), Eq(1));
    EXPECT_THAT(count({.group_id = "none"}), Eq(0));
    EXPECT_THAT(tasks().list({.limit = 2, .offset = 1})->tasks, SizeIs(2));
    EXPECT_FALSE(tasks().list({.limit = 2, .offset = 1})->more);
}

TEST_P(StorageConformance, CountersEqualARecount) {
    const auto worker = enroll("worker-001-kind", 100);
    for (const auto status : kTaskStatuses) {
        clock_.advance(3s);
        task_in(status, worker);
    }
    auto again = a_task(10);
    again.parameters.max_retries = 1;
    const auto retried = running_task(worker, again);
    ASSERT_THAT(finish(failure_of(retried, FailureKind::infrastructure)), IsOk());

    const auto stats = tasks().stats();

    ASSERT_THAT(stats, IsOk());
    StatusCounts recount;
    const auto all = tasks().list({.limit = 100});
    ASSERT_THAT(all, IsOk());
    for (const auto& task : all->tasks) {
        switch (task.status) {
            case TaskStatus::pending:
                ++recount.pending;
                break;
            case TaskStatus::running:
                ++recount.running;
                break;
            case TaskStatus::completed:
                ++recount.completed;
                break;
            case TaskStatus::failed:
                ++recount.failed;
                break;
            case TaskStatus::timeout:
                ++recount.timeout;
                break;
            case TaskStatus::cancelled:
                ++recount.cancelled;
                break;
        }
    }
    EXPECT_THAT(stats->by_status, Eq(recount));
    EXPECT_THAT(tasks().counts()->tasks, Eq(recount));
    EXPECT_THAT(stats->successes, Eq(1));
    ASSERT_THAT(stats->by_problem, SizeIs(1));
    EXPECT_THAT(stats->by_problem[0].counts, Eq(recount));
    ASSERT_THAT(stats->by_worker, SizeIs(1));
    EXPECT_THAT(stats->by_worker[0].counts, Eq(workers().stats(worker)->counts));
    EXPECT_THAT(stats->by_worker[0].counts.pending, Eq(0));
}

TEST_P(StorageConformance, QuantilesAreWithinATenth) {
    const auto worker = enroll();
    for (int i = 1; i <= 20; ++i) {
        const auto task = running_task(worker, a_task());
        clock_.advance(std::chrono::seconds{i * 10});
        beat(worker, task.id);
        ASSERT_THAT(finish(success_of(task)), IsOk());
    }

    const auto duration = tasks().stats()->duration;

    EXPECT_THAT(duration.average, Optional(DoubleNear(105.0, 0.1)));
    EXPECT_THAT(duration.p50, Optional(DoubleNear(100.0, 10.0)));
    EXPECT_THAT(duration.p95, Optional(DoubleNear(190.0, 19.0)));
    EXPECT_THAT(workers().stats(worker)->duration.average, Optional(DoubleNear(105.0, 0.1)));
}

TEST_P(StorageConformance, StatsOfNothingAreNull) {
    const auto stats = tasks().stats();

    ASSERT_THAT(stats, IsOk());
    EXPECT_THAT(stats->duration.average, Eq(std::nullopt));
    EXPECT_THAT(stats->queue.p95, Eq(std::nullopt));
    EXPECT_THAT(stats->by_problem, IsEmpty());
}

TEST_P(StorageConformance, OutlookCountsTheTasksThatComeFirst) {
    const auto first = submit(a_task());
    auto other_backend = a_task();
    other_backend.backend_type = "docker";
    submit(other_backend);
    auto urgent = a_task(9);
    urgent.backend_type = "kind";
    submit(urgent);
    auto last = a_task();
    last.backend_type = "kind";
    const auto waiting = submit(last);

    EXPECT_THAT(tasks().outlook(first.id)->ahead, Eq(1));
    EXPECT_THAT(tasks().outlook(waiting.id)->ahead, Eq(2)) << "the docker one competes with nobody";
    EXPECT_THAT(tasks().outlook(TaskId{"none"}), IsError(Errc::not_found));
}

TEST_P(StorageConformance, OutlookKnowsTheLeaseAndTheLoadOfWorkers) {
    const auto idle = enroll("worker-001-kind");
    const auto busy = enroll("worker-002-kind", 2);
    const auto task = running_task(busy, a_task());

    const auto outlook = tasks().outlook(task.id);

    ASSERT_THAT(outlook, IsOk());
    EXPECT_THAT(outlook->lease_until, Optional(Eq(*task.started_at + policy_.lease)));
    EXPECT_THAT(outlook->last_seq, Eq(2));
    ASSERT_THAT(outlook->workers, SizeIs(2));
    EXPECT_THAT(outlook->workers[0].worker.id, Eq(idle));
    EXPECT_THAT(outlook->workers[0].running, Eq(0));
    EXPECT_THAT(outlook->workers[1].running, Eq(1));
}

TEST_P(StorageConformance, OutlookTellsHowLongTasksOfTheProblemUsuallyTake) {
    const auto worker = enroll("worker-001-kind", 3);
    auto other = a_task();
    other.problem_id = "other";
    const auto slow = running_task(worker, other);
    auto for_nobody = a_task();
    for_nobody.backend_type = "nobody";
    const auto waiting = submit(for_nobody);
    EXPECT_THAT(tasks().outlook(waiting.id)->usual.p50, Eq(std::nullopt));
    clock_.advance(100s);
    ASSERT_THAT(finish(success_of(slow)), IsOk());
    EXPECT_THAT(tasks().outlook(waiting.id)->usual.p50, Optional(DoubleNear(100, 10)))
        << "of another problem, as there is nothing better";

    const auto quick = running_task(worker, a_task());
    clock_.advance(10s);
    ASSERT_THAT(finish(success_of(quick)), IsOk());

    EXPECT_THAT(tasks().outlook(waiting.id)->usual.p50, Optional(DoubleNear(10, 1)));
}

TEST_P(StorageConformance, EmptyBatchesDoNothing) {
    EXPECT_THAT(tasks().submit({}), IsOkAnd(IsEmpty()));
    EXPECT_THAT(tasks().details({}), IsOkAnd(IsEmpty()));
    EXPECT_THAT(tasks().cancel({}), IsOkAnd(IsEmpty()));
    EXPECT_THAT(runs().claim({}, policy_), IsOkAnd(IsEmpty()));
    EXPECT_THAT(runs().record({}, policy_), IsOkAnd(IsEmpty()));
    EXPECT_THAT(runs().finish({}, retry_), IsOkAnd(IsEmpty()));
    EXPECT_THAT(workers().heartbeat({}, policy_), IsOkAnd(IsEmpty()));
    EXPECT_THAT(outbox().settle({}), IsOk());
    EXPECT_THAT(storage_->ping(), IsOk());
}

TEST_P(StorageConformance, ReopeningKeepsEverything) {
    if (!GetParam().survives_reopen) {
        return;  // declared by the case: it keeps nothing on disk
    }
    const auto worker = enroll();
    auto given = a_task();
    given.parameters.callback_url = "http://example.org/";
    const auto task = running_task(worker, given);
    ASSERT_THAT(finish(success_of(task)), IsOk());
    const auto before = detail(task.id);
    const auto history_before = events(task.id);
    const auto stats_before = tasks().stats()->by_status;

    reopen();

    EXPECT_TRUE(detail(task.id) == before);
    EXPECT_TRUE(events(task.id) == history_before);
    EXPECT_THAT(tasks().stats()->by_status, Eq(stats_before));
    EXPECT_THAT(outbox().take_due(10, 60s), IsOkAnd(SizeIs(1)));
}

}  // namespace
}  // namespace opslab::testing
