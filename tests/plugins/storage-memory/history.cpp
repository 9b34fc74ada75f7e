#include "roles.hpp"

#include <algorithm>

namespace opslab::memory {

namespace {

template <class Item>
bool is_full(const std::vector<Item>& items, int limit) {
    return items.size() >= static_cast<std::size_t>(std::max(limit, 0));
}

bool matches(const Task& task, const Attempt& attempt, const FeedQuery& query) {
    return (!query.status || attempt.status == *query.status) &&
           (!query.problem_id || task.problem_id == *query.problem_id) &&
           (!query.group_id || task.group_id == query.group_id);
}

}  // namespace

Result<std::vector<StoredEvent>> MemoryHistory::events(
    const TaskId& task, std::int64_t after_seq, int limit
) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<StoredEvent> events;
    const auto found = rows_.tasks.find(task);
    if (found == rows_.tasks.end()) {
        return events;
    }
    for (const auto& event : found->second.events) {
        if (event.seq > after_seq && !is_full(events, limit)) {
            events.push_back(event);
        }
    }
    return events;
}

Result<std::vector<StoredLog>> MemoryHistory::logs(const LogQuery& query) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<StoredLog> logs;
    const auto found = rows_.tasks.find(query.task);
    if (found == rows_.tasks.end()) {
        return logs;
    }
    for (const auto& event : found->second.events) {
        const auto* log = std::get_if<LogEvent>(&event.body);
        const bool wanted = log != nullptr && event.seq > query.after_seq &&
                            log->level >= query.min_level &&
                            (!query.since || log->at > *query.since);
        if (wanted && !is_full(logs, query.limit)) {
            logs.push_back(StoredLog{.seq = event.seq, .attempt = event.attempt, .log = *log});
        }
    }
    return logs;
}

Result<std::vector<StoredStep>> MemoryHistory::steps(const TaskId& task, int attempt) {
    const std::lock_guard lock(rows_.mutex);
    std::vector<StoredStep> steps;
    const auto found = rows_.tasks.find(task);
    if (found == rows_.tasks.end()) {
        return steps;
    }
    const int wanted = attempt == 0 ? found->second.task.attempt : attempt;
    for (const auto& event : found->second.events) {
        const auto* step = std::get_if<StepEvent>(&event.body);
        if (step != nullptr && event.attempt == wanted) {
            steps.push_back(StoredStep{.attempt = event.attempt, .step = *step});
        }
    }
    std::stable_sort(steps.begin(), steps.end(), [](const auto& a, const auto& b) {
        return a.step.step < b.step.step;
    });
    return steps;
}

Result<FeedPage> MemoryHistory::feed(const FeedQuery& query) {
    const std::lock_guard lock(rows_.mutex);
    FeedPage page{.position = query.after};
    for (std::size_t i = 0; i < rows_.finished.size(); ++i) {
        const auto position = static_cast<std::int64_t>(i) + 1;
        if (position <= query.after) {
            continue;
        }
        if (is_full(page.attempts, query.limit)) {
            page.more = true;
            break;
        }
        page.position = position;
        const auto& [id, number] = rows_.finished[i];
        const auto& row = rows_.tasks.at(id);
        const auto& ended = row.attempts.at(static_cast<std::size_t>(number) - 1);
        if (matches(row.task, ended.attempt, query)) {
            page.attempts.push_back(FinishedAttempt{
                .position = position, .task = id, .attempt = ended.attempt, .result = ended.result}
            );
        }
    }
    return page;
}

}  // namespace opslab::memory
