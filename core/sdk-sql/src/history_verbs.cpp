#include "verbs.hpp"

#include <algorithm>

namespace opslab::sql {

namespace {

// How far one call looks past rows that its filters leave out.
constexpr int kFeedStretch = 2000;

struct FeedPlace {
    std::int64_t position = 0;
    TaskId task{};
    int attempt = 0;
};

}  // namespace

Result<std::vector<StoredEvent>> SqlHistoryStore::events(
    const TaskId& task, std::int64_t after_seq, int limit
) {
    return parts_.database.read([&](Session& session) {
        std::vector<StoredEvent> events;
        const Json parameter{{"task_id", task.value}, {"after", after_seq}, {"limit", limit}};
        for (const auto& row : session.rows("event.after", parameter)) {
            events.push_back(stored_event(row));
        }
        return events;
    });
}

Result<std::vector<StoredLog>> SqlHistoryStore::logs(const LogQuery& query) {
    return parts_.database.read([&](Session& session) {
        std::vector<StoredLog> logs;
        const Json parameter{
            {"task_id", query.task.value},
            {"after", query.after_seq},
            {"min_level", static_cast<int>(query.min_level)},
            {"since", time_or_null(query.since)},
            {"limit", query.limit}};
        for (const auto& row : session.rows("event.logs", parameter)) {
            auto event = stored_event(row);
            logs.push_back(StoredLog{
                .seq = event.seq,
                .attempt = event.attempt,
                .log = std::get<LogEvent>(std::move(event.body))});
        }
        return logs;
    });
}

Result<std::vector<StoredStep>> SqlHistoryStore::steps(const TaskId& task, int attempt) {
    return parts_.database.read([&](Session& session) {
        std::vector<StoredStep> steps;
        const Json parameter{{"task_id", task.value}, {"attempt", attempt}};
        for (const auto& row : session.rows("event.steps", parameter)) {
            auto event = stored_event(row);
            steps.push_back(StoredStep{
                .attempt = event.attempt, .step = std::get<StepEvent>(std::move(event.body))});
        }
        return steps;
    });
}

Result<FeedPage> SqlHistoryStore::feed(const FeedQuery& query) {
    return parts_.database.read([&](Session& session) {
        const Json parameter{
            {"after", query.after},
            {"status", query.status ? Json(to_string(*query.status)) : Json()},
            {"problem_id", text_or_null(query.problem_id)},
            {"group_id", text_or_null(query.group_id)},
            {"limit", kFeedStretch + 1}};
        FeedPage page{.attempts = {}, .position = query.after};
        std::vector<FeedPlace> places;
        int seen = 0;
        for (const auto& row : session.rows("attempt.feed", parameter)) {
            const bool full = places.size() == static_cast<std::size_t>(query.limit);
            if (full || seen == kFeedStretch) {
                page.more = true;
                break;
            }
            ++seen;
            page.position = row.at("position").get<std::int64_t>();
            if (row.at("matches").get<int>() != 0) {
                places.push_back(FeedPlace{
                    page.position,
                    TaskId{row.at("task_id").get<std::string>()},
                    row.at("attempt").get<int>()});
            }
        }
        Json wanted = Json::array();
        for (const auto& place : places) {
            wanted.push_back(Json{{"task_id", place.task.value}, {"attempt", place.attempt}});
        }
        for (const auto& row : run_over(session, "attempt.load", std::move(wanted))) {
            auto loaded = attempt_row(row);
            page.attempts.push_back(FinishedAttempt{
                .position = loaded.position,
                .task = loaded.task,
                .attempt = loaded.attempt,
                .result = std::move(loaded.result)});
        }
        std::sort(page.attempts.begin(), page.attempts.end(), [](const auto& a, const auto& b) {
            return a.position < b.position;
        });
        return page;
    });
}

}  // namespace opslab::sql
