#include <opslab/testing/matchers.hpp>
#include <opslab/testing/storage_conformance.hpp>

#include <gmock/gmock.h>

#include <algorithm>

namespace opslab::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::SizeIs;

bool passes(const Task& task, const TaskQuery& query) {
    return (!query.status || task.status == *query.status) &&
           (!query.problem_id || task.problem_id == *query.problem_id) &&
           (!query.worker_id || task.worker_id == query.worker_id) &&
           (!query.backend_type || task.backend_type == query.backend_type) &&
           (!query.group_id || task.group_id == query.group_id);
}

/// Every filter there is, alone and with every other, in every order.
std::vector<TaskQuery> every_query(const WorkerId& worker, const std::string& problem) {
    std::vector<TaskQuery> queries;
    std::vector<std::optional<TaskStatus>> statuses{std::nullopt};
    statuses.insert(statuses.end(), kTaskStatuses.begin(), kTaskStatuses.end());
    for (const auto status : statuses) {
        for (unsigned bits = 0; bits < 16; ++bits) {
            for (const auto sort :
                 {TaskSort::created_up,
                  TaskSort::created_down,
                  TaskSort::priority_up,
                  TaskSort::priority_down}) {
                TaskQuery query{.status = status, .sort = sort, .limit = 100};
                if ((bits & 1U) != 0) {
                    query.problem_id = problem;
                }
                if ((bits & 2U) != 0) {
                    query.worker_id = worker;
                }
                if ((bits & 4U) != 0) {
                    query.backend_type = "kind";
                }
                if ((bits & 8U) != 0) {
                    query.group_id = "sweep";
                }
                queries.push_back(query);
            }
        }
    }
    return queries;
}

TEST_P(StorageConformance, EveryFilterInEveryOrderEqualsARecount) {
    const auto worker = enroll("worker-001-kind", 100);
    for (const auto status : kTaskStatuses) {
        clock_.advance(3s);
        task_in(status, worker);
    }
    const auto other = enroll("worker-002-kind", 100);
    const auto one_of_a_sweep = [&] {
        auto task = a_task(10);
        task.backend_type = "kind";
        task.group_id = "sweep";
        task.parameters.max_retries = 1;
        return task;
    };
    const auto retried = running_task(worker, one_of_a_sweep());
    ASSERT_THAT(finish(failure_of(retried, FailureKind::infrastructure)), IsOk());
    running_task(worker, one_of_a_sweep());
    running_task(other, one_of_a_sweep());
    submit(one_of_a_sweep());
    auto another = one_of_a_sweep();
    another.problem_id = "another";
    submit(another);
    const auto all = tasks().list({.limit = 100})->tasks;

    for (const auto& query : every_query(worker, a_task().problem_id)) {
        const auto wanted = std::count_if(all.begin(), all.end(), [&](const Task& task) {
            return passes(task, query);
        });
        const auto page = tasks().list(query);
        ASSERT_THAT(page, IsOk());
        EXPECT_THAT(page->total, Eq(wanted));
        EXPECT_THAT(page->tasks, SizeIs(static_cast<std::size_t>(wanted)));
        EXPECT_TRUE(std::all_of(page->tasks.begin(), page->tasks.end(), [&](const Task& task) {
            return passes(task, query);
        }));
    }
}

TEST_P(StorageConformance, TasksOfTheBackendAndOfAnyAreClaimedInOneOrder) {
    const auto worker = enroll("worker-001-kind", 10);
    const auto submit_for = [&](std::optional<std::string> backend, int priority) {
        auto task = a_task(priority);
        task.backend_type = std::move(backend);
        return submit(task).id;
    };
    const auto fourth = submit_for("kind", 5);
    const auto fifth = submit_for(std::nullopt, 5);
    submit_for("docker", 10);
    const auto first = submit_for(std::nullopt, 9);
    const auto second = submit_for("kind", 8);
    const auto third = submit_for(std::nullopt, 8);
    const auto claimed = [&](int count) {
        std::vector<TaskId> ids;
        for (const auto& one : claim(worker, count)) {
            ids.push_back(one.task.id);
        }
        return ids;
    };

    EXPECT_THAT(claimed(1), ElementsAre(first));
    EXPECT_THAT(claimed(2), ElementsAre(second, third));
    EXPECT_THAT(claimed(7), ElementsAre(fourth, fifth));
}

}  // namespace
}  // namespace opslab::testing
