#include "roles.hpp"
#include "statistics.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace opslab::memory {

namespace {

constexpr std::size_t kLargestGroups = 100;

bool matches(const Task& task, const TaskQuery& query) {
    return (!query.status || task.status == *query.status) &&
           (!query.problem_id || task.problem_id == *query.problem_id) &&
           (!query.worker_id || task.worker_id == query.worker_id) &&
           (!query.backend_type || task.backend_type == query.backend_type) &&
           (!query.group_id || task.group_id == query.group_id);
}

using Place = std::pair<std::int64_t, TaskId>;

Place place_of(const Task& task, TaskSort sort) {
    const bool by_age = sort == TaskSort::created_up || sort == TaskSort::created_down;
    return {by_age ? to_micros(task.created_at) : task.parameters.priority, task.id};
}

bool comes_before(const Place& a, const Place& b, TaskSort sort) {
    const bool up = sort == TaskSort::created_up || sort == TaskSort::priority_up;
    return up ? a < b : b < a;
}

std::vector<GroupCounts> largest_first(const std::map<std::string, StatusCounts>& groups) {
    std::vector<GroupCounts> sorted;
    for (const auto& [name, counts] : groups) {
        sorted.push_back(GroupCounts{.name = name, .counts = counts});
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return total_of(a.counts) > total_of(b.counts);
    });
    sorted.resize(std::min(kLargestGroups, sorted.size()));
    return sorted;
}

}  // namespace

Result<TaskPage> MemoryTasks::list(const TaskQuery& query) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<const Task*> matching;
    for (const auto& [id, row] : rows_.tasks) {
        if (matches(row.task, query)) {
            matching.push_back(&row.task);
        }
    }
    std::sort(matching.begin(), matching.end(), [&](const Task* a, const Task* b) {
        return comes_before(place_of(*a, query.sort), place_of(*b, query.sort), query.sort);
    });
    TaskPage page;
    page.total = static_cast<std::int64_t>(matching.size());
    std::int64_t to_skip = query.after ? 0 : query.offset;
    for (const auto* task : matching) {
        if (query.after) {
            const Place after{query.after->value, query.after->id};
            if (!comes_before(after, place_of(*task, query.sort), query.sort)) {
                continue;
            }
        }
        if (to_skip > 0) {
            --to_skip;
            continue;
        }
        if (page.tasks.size() == static_cast<std::size_t>(query.limit)) {
            page.more = true;
            break;
        }
        page.tasks.push_back(*task);
    }
    return page;
}

Result<QueueCounts> MemoryTasks::counts() {
    const std::lock_guard lock(rows_.mutex);
    QueueCounts counts;
    for (const auto& [id, row] : rows_.tasks) {
        count(counts.tasks, row.task.status);
    }
    for (const auto& [id, row] : rows_.workers) {
        switch (row.worker.status) {
            case WorkerStatus::idle:
                ++counts.workers_idle;
                break;
            case WorkerStatus::busy:
                ++counts.workers_busy;
                break;
            case WorkerStatus::offline:
                ++counts.workers_offline;
                break;
        }
    }
    return counts;
}

Result<TaskStats> MemoryTasks::stats() {
    const std::lock_guard lock(rows_.mutex);
    TaskStats stats;
    std::vector<Duration> durations;
    std::vector<Duration> waits;
    std::map<std::string, StatusCounts> problems;
    std::map<std::string, StatusCounts> workers;
    for (const auto& [id, row] : rows_.tasks) {
        const auto& task = row.task;
        count(stats.by_status, task.status);
        count(problems[task.problem_id], task.status);
        for (const auto& one : row.attempts) {
            count(workers[one.attempt.worker_id.value], one.attempt.status);
        }
        if (row.attempts.empty()) {
            continue;
        }
        const auto first = row.attempts.front().attempt.started_at;
        waits.push_back(std::max(Duration{0}, first - task.created_at));
        if (task.completed_at && task.started_at) {
            durations.push_back(*task.completed_at - *task.started_at);
        }
        const auto& result = row.attempts.back().result;
        stats.successes += result && result->success ? 1 : 0;
    }
    stats.duration = summary(std::move(durations));
    stats.queue = summary(std::move(waits));
    stats.by_problem = largest_first(problems);
    stats.by_worker = largest_first(workers);
    return stats;
}

Result<Outlook> MemoryTasks::outlook(const TaskId& task) {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.tasks.find(task);
    if (found == rows_.tasks.end()) {
        return no_task(task);
    }
    const auto& mine = found->second;
    const auto now = rows_.host.clock.now();
    Outlook outlook{.now = now, .last_seq = static_cast<std::int64_t>(mine.events.size())};
    if (mine.task.status == TaskStatus::running) {
        outlook.lease_until = mine.attempts.back().lease_until;
    }
    const auto order = [](const Task& one) {
        return std::tuple(-one.parameters.priority, one.created_at, one.id);
    };
    for (const auto& [id, row] : rows_.tasks) {
        const auto& other = row.task;
        const bool fits = !mine.task.backend_type || !other.backend_type ||
                          mine.task.backend_type == other.backend_type;
        const bool counts =
            mine.task.status == TaskStatus::pending && other.status == TaskStatus::pending &&
            fits && other.not_before.value_or(now) <= now && order(other) < order(mine.task);
        outlook.ahead += counts ? 1 : 0;
    }
    for (const auto& [id, row] : rows_.workers) {
        outlook.workers.push_back(
            {.worker = row.worker, .running = static_cast<int>(running_on(rows_, id).size())}
        );
    }
    std::vector<Duration> of_problem;
    std::vector<Duration> of_all;
    for (const auto& [id, row] : rows_.tasks) {
        if (row.task.completed_at && row.task.started_at) {
            of_all.push_back(*row.task.completed_at - *row.task.started_at);
            if (row.task.problem_id == mine.task.problem_id) {
                of_problem.push_back(of_all.back());
            }
        }
    }
    outlook.usual = summary(std::move(of_problem.empty() ? of_all : of_problem));
    return outlook;
}

}  // namespace opslab::memory
