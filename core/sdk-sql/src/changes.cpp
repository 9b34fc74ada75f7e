#include "changes.hpp"

#include <algorithm>
#include <stdexcept>

namespace opslab::sql {

namespace {

constexpr const char* kAll = "all";

Json input_row(const Task& task) {
    return Json{
        {"id", task.id.value},
        {"problem_id", task.problem_id},
        {"priority", task.parameters.priority},
        {"backend_type", text_or_null(task.backend_type)},
        {"group_id", text_or_null(task.group_id)},
        {"max_steps", task.parameters.max_steps},
        {"timeout_minutes", task.parameters.timeout_minutes},
        {"max_retries", task.parameters.max_retries},
        {"created_at", to_micros(task.created_at)},
        {"last_seq", 1},
        {"agent_config", task.parameters.agent_config_json},
        {"metadata", task.parameters.metadata_json},
        {"callback_url", text_or_null(task.parameters.callback_url)},
        {"request_id", text_or_null(task.origin.request_id)},
        {"traceparent", text_or_null(task.origin.traceparent)}};
}

Json attempt_end_row(
    const Task& before, TaskStatus status, Timestamp now, const AttemptOutcome& outcome
) {
    Json row{
        {"task_id", before.id.value},
        {"attempt", before.attempt},
        {"status", to_string(status)},
        {"completed_at", to_micros(now)},
        {"digest", outcome.digest}};
    if (!outcome.error_details.empty()) {
        row["error_details"] = outcome.error_details;
    }
    if (outcome.failure) {
        row["failure_kind"] = to_string(outcome.failure->kind);
        row["failure_phase"] = outcome.failure->phase;
        row["failure_message"] = outcome.failure->message;
    }
    if (outcome.result) {
        row["result"] = outcome.result->result_json;
        row["success"] = outcome.result->success ? 1 : 0;
        row["reward"] = exact(outcome.result->reward);
    }
    return row;
}

}  // namespace

std::vector<Json> run_over(Session& session, std::string_view name, Json rows) {
    if (rows.empty()) {
        return {};
    }
    return session.rows(name, Json{{"rows", std::move(rows)}});
}

namespace {

/// Where a task is counted, whatever its status; by its holder it is counted apart.
std::vector<std::pair<std::string, std::string>> scopes_of(const Task& task) {
    std::vector<std::pair<std::string, std::string>> scopes{
        {kAll, ""}, {"problem", task.problem_id}};
    if (task.backend_type) {
        scopes.emplace_back("backend", *task.backend_type);
    }
    if (task.group_id) {
        scopes.emplace_back("group", *task.group_id);
    }
    return scopes;
}

}  // namespace

void Changes::count(const std::string& scope, const std::string& name, TaskStatus status, int by) {
    counts_[{scope, name}].by_status.at(static_cast<std::size_t>(status)) += by;
}

void Changes::note_status(TaskRow& row) {
    const auto& task = row.task;
    ++row.last_seq;
    events_.push_back(event_row(
        task.id,
        row.last_seq,
        StatusEvent{
            .at = now_,
            .status = task.status,
            .worker_id = task.worker_id,
            .attempt = task.attempt,
            .started_at = task.started_at,
            .completed_at = task.completed_at}
    ));
}

void Changes::insert(const Task& task) {
    inserted_.push_back(input_row(task));
    for (const auto& [scope, name] : scopes_of(task)) {
        count(scope, name, TaskStatus::pending, 1);
        ++counts_[{scope, name}].total;
    }
    TaskRow row{task, 0};
    note_status(row);
}

void Changes::move(TaskRow& row, TaskEvent event) {
    auto& task = row.task;
    const auto from = task.status;
    const auto to = next_status(from, event);
    if (!to) {
        throw std::logic_error("a transition that the table does not have");
    }
    task.status = *to;
    task.updated_at = now_;
    task.not_before.reset();
    if (is_terminal(*to)) {
        task.completed_at = now_;
    }
    for (const auto& [scope, name] : scopes_of(task)) {
        count(scope, name, from, -1);
        count(scope, name, *to, 1);
    }
}

namespace {

Json update_row(const TaskRow& row, TaskStatus from) {
    const auto& task = row.task;
    return Json{
        {"id", task.id.value},
        {"from", to_string(from)},
        {"status", to_string(task.status)},
        {"worker_id", id_or_null(task.worker_id)},
        {"attempt", task.attempt},
        {"updated_at", to_micros(task.updated_at)},
        {"started_at", time_or_null(task.started_at)},
        {"completed_at", time_or_null(task.completed_at)},
        {"not_before", time_or_null(task.not_before)},
        {"last_seq", row.last_seq}};
}

}  // namespace

Timestamp Changes::begin_attempt(
    TaskRow& row, const WorkerId& worker, Timestamp lease_now, Duration lease
) {
    auto& task = row.task;
    const auto from = task.status;
    move(row, TaskEvent::claimed);
    ++task.attempt;
    task.worker_id = worker;
    task.started_at = now_;
    note_status(row);
    updated_[task.id.value] = update_row(row, from);
    // of one clock, or as good as: then it is the shown start and the time-out, to the microsecond
    const bool same_clock = std::chrono::abs(lease_now - now_) < std::chrono::seconds{1};
    const auto deadline =
        (same_clock ? now_ : lease_now) + std::chrono::minutes{task.parameters.timeout_minutes};
    begun_.push_back(Json{
        {"task_id", task.id.value},
        {"attempt", task.attempt},
        {"worker_id", worker.value},
        {"started_at", to_micros(now_)},
        {"deadline", to_micros(deadline)},
        {"lease_until", to_micros(lease_now + lease)}});
    if (task.attempt == 1) {
        add(histograms_[{"queue", ""}], now_ - task.created_at);
    }
    for (const char* scope : {"worker", "holder"}) {
        count(scope, worker.value, TaskStatus::running, 1);
        ++counts_[{scope, worker.value}].total;
    }
    return deadline;
}

void Changes::end_of_worker(const Task& before, TaskStatus ended) {
    const auto& worker = before.worker_id->value;
    count("worker", worker, TaskStatus::running, -1);
    count("worker", worker, ended, 1);
    add(histograms_[{"worker", worker}], now_ - *before.started_at);
    auto& ends = workers_[worker];
    ends.ended.push_back(before.id.value);
    if (ended == TaskStatus::completed) {
        ++ends.completed;
    } else if (ended != TaskStatus::cancelled) {
        ++ends.failed;
    }
}

void Changes::deliver(const Task& task) {
    if (task.parameters.callback_url) {
        deliveries_.push_back(Json{
            {"id", make_uuid(now_, entropy_)},
            {"task_id", task.id.value},
            {"status", to_string(task.status)},
            {"url", *task.parameters.callback_url},
            {"due_at", to_micros(now_)}});
    }
}

void Changes::end_attempt(TaskRow& row, const AttemptOutcome& outcome) {
    auto& task = row.task;
    const Task before = task;
    move(row, outcome.event);
    const auto ended = is_terminal(task.status) ? task.status : TaskStatus::failed;
    count("holder", before.worker_id->value, TaskStatus::running, -1);
    if (is_terminal(task.status)) {
        count("holder", before.worker_id->value, task.status, 1);
        add(histograms_[{"duration", ""}], now_ - *before.started_at);
        add(histograms_[{"problem", task.problem_id}], now_ - *before.started_at);
    } else {
        --counts_[{"holder", before.worker_id->value}].total;
        task.worker_id.reset();
        task.started_at.reset();
        task.not_before = outcome.not_before;
    }
    note_status(row);
    updated_[task.id.value] = update_row(row, before.status);
    ended_.push_back(attempt_end_row(before, ended, now_, outcome));
    end_of_worker(before, ended);
    if (outcome.result && outcome.result->success) {
        ++counts_[{kAll, ""}].successes;
    }
    if (outcome.event == TaskEvent::cancel_asked) {
        cancels_.push_back(Json{{"worker_id", before.worker_id->value}, {"task_id", task.id.value}}
        );
    }
    if (is_terminal(task.status)) {
        deliver(task);
    }
}

void Changes::cancel_pending(TaskRow& row) {
    const auto from = row.task.status;
    move(row, TaskEvent::cancel_asked);
    note_status(row);
    updated_[row.task.id.value] = update_row(row, from);
    deliver(row.task);
}

void Changes::record(const EventReport& report, std::int64_t& last_seq, Timestamp lease_until) {
    const auto first = report.first_seq.value_or(last_seq + 1);
    const auto known = static_cast<std::size_t>(std::max<std::int64_t>(0, last_seq + 1 - first));
    for (std::size_t i = known; i < report.events.size(); ++i) {
        events_.push_back(event_row(report.task, ++last_seq, report.attempt, report.events[i]));
        advanced_[report.task.value] = last_seq;
    }
    auto& row = renewed_[{report.task.value, report.attempt}];
    row["task_id"] = report.task.value;
    row["attempt"] = report.attempt;
    row["lease_until"] = to_micros(lease_until);
    if (report.handle) {
        row["handle"] = *report.handle;
    }
}

Touched Changes::touched() const {
    Touched touched;
    touched.pending = !inserted_.empty();
    std::set<std::string> tasks;
    for (const auto& [id, row] : updated_) {
        tasks.insert(id);
        touched.pending = touched.pending || row.at("status") == to_string(TaskStatus::pending);
    }
    for (const auto& [id, seq] : advanced_) {
        tasks.insert(id);
    }
    touched.tasks.assign(tasks.begin(), tasks.end());
    for (const auto& row : cancels_) {
        touched.workers.push_back(row.at("worker_id").get<std::string>());
    }
    return touched;
}

void Changes::flush(Session& session) {
    session.touch(touched());
    flush_tasks(session);
    flush_counters(session);
    flush_ends(session);
}

// Last, since its place in the feed makes whoever ends attempts next wait for our commit.
void Changes::flush_ends(Session& session) {
    if (ended_.empty()) {
        return;
    }
    auto position = session.row("attempt.take_positions", Json{{"count", ended_.size()}})
                        .at("position")
                        .get<std::int64_t>();
    for (auto& row : ended_) {
        row["position"] = ++position;
    }
    run_over(session, "attempt.end", std::move(ended_));
    Json workers = Json::array();
    for (auto& [id, ends] : workers_) {
        workers.push_back(Json{
            {"id", id},
            {"completed", ends.completed},
            {"failed", ends.failed},
            {"ended", std::move(ends.ended)}});
    }
    run_over(session, "worker.settle", std::move(workers));
}

void Changes::flush_tasks(Session& session) {
    run_over(session, "task.insert", inserted_);
    run_over(session, "task.insert_inputs", std::move(inserted_));
    Json updates = Json::array();
    for (auto& [id, row] : updated_) {
        updates.push_back(std::move(row));
    }
    const auto wanted = updates.size();
    if (run_over(session, "task.update", std::move(updates)).size() != wanted) {
        throw std::logic_error("a task changed under a transaction that had it locked");
    }
    Json advances = Json::array();
    for (const auto& [id, seq] : advanced_) {
        advances.push_back(Json{{"id", id}, {"last_seq", seq}});
    }
    run_over(session, "task.advance", std::move(advances));
    run_over(session, "attempt.insert", std::move(begun_));
    Json renewals = Json::array();
    for (auto& [key, row] : renewed_) {
        renewals.push_back(std::move(row));
    }
    run_over(session, "attempt.renew", std::move(renewals));
    run_over(session, "event.insert", std::move(events_));
    run_over(session, "delivery.insert", std::move(deliveries_));
    run_over(session, "cancel.insert", std::move(cancels_));
}

void Changes::flush_counters(Session& session) {
    Json counts = Json::array();
    for (const auto& [key, deltas] : counts_) {
        Json row{
            {"scope", key.first},
            {"name", key.second},
            {"successes", deltas.successes},
            {"total", deltas.total}};
        for (const auto status : kTaskStatuses) {
            row[std::string{to_string(status)}] =
                deltas.by_status.at(static_cast<std::size_t>(status));
        }
        counts.push_back(std::move(row));
    }
    run_over(session, "count.add", std::move(counts));
    Json buckets = Json::array();
    for (const auto& [key, histogram] : histograms_) {
        for (const auto& [number, bucket] : histogram) {
            buckets.push_back(Json{
                {"scope", key.first},
                {"name", key.second},
                {"bucket", number},
                {"count", bucket.count},
                {"sum", bucket.sum}});
        }
    }
    run_over(session, "histogram.add", std::move(buckets));
}

}  // namespace opslab::sql
