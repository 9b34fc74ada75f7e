#include "verbs.hpp"

namespace opslab::sql {

namespace {

Json beat_row(const Heartbeat& beat) {
    return Json{
        {"id", beat.worker.value},
        {"status", to_string(beat.status)},
        {"current_task_id", id_or_null(beat.current_task)},
        {"circuit_open", beat.circuit_open ? Json(*beat.circuit_open) : Json(nullptr)}};
}

std::optional<TaskId> hint(
    Session& session, const WorkerRow& row, const Heartbeat& beat, Timestamp now
) {
    if (!beat.wants_hint || row.running >= row.worker.max_parallel_tasks) {
        return std::nullopt;
    }
    const auto next = claimable(session, row.worker, 1, now);
    return next.empty() ? std::nullopt : std::optional{next.front().task.id};
}

}  // namespace

Result<Worker> SqlWorkerStore::enroll(const NewWorker& worker, Takeover takeover) {
    auto enrolled = parts_.database.write([&](Session& session) -> Result<Worker> {
        const auto written = session.rows(
            "worker.enroll",
            Json{
                {"succeed", takeover == Takeover::succeed ? 1 : 0},
                {"id", worker.id.value},
                {"backend_type", worker.backend_type},
                {"max_parallel_tasks", worker.max_parallel_tasks},
                {"supported_problems", Json(worker.supported_problems).dump()},
                {"capabilities", worker.capabilities_json},
                {"metadata", worker.metadata_json},
                {"now", to_micros(parts_.lease_time.now(session))}}
        );
        if (written.empty()) {
            return fail(
                Errc::conflict, "worker \"" + worker.id.value + "\" is registered and not offline"
            );
        }
        session.rows("cancel.drop_of_workers", ids_of(std::vector{worker.id}));
        return load_workers(session, {worker.id}).at(worker.id).worker;
    });
    if (!enrolled) {
        return fail(std::move(enrolled.error()));
    }
    return std::move(*enrolled);
}

Result<std::vector<Result<HeartbeatReceipt>>> SqlWorkerStore::heartbeat(
    std::span<const Heartbeat> beats, const ClaimPolicy& policy
) {
    return parts_.database.write([&](Session& session) {
        std::vector<WorkerId> ids;
        for (const auto& beat : beats) {
            ids.push_back(beat.worker);
        }
        lock_workers(session, ids);
        const auto workers = load_workers(session, ids);
        Json rows = Json::array();
        Json known = Json::array();
        for (const auto& beat : beats) {
            if (workers.contains(beat.worker)) {
                rows.push_back(beat_row(beat));
                known.push_back(beat.worker.value);
            }
        }
        const auto heard_at = parts_.lease_time.now(session);
        session.rows("worker.beat", Json{{"rows", rows}, {"now", to_micros(heard_at)}});
        session.rows(
            "attempt.renew_of_workers",
            Json{{"workers", known}, {"lease_until", to_micros(heard_at + policy.lease)}}
        );
        run_over(session, "cancel.drop_heard", rows);
        std::map<WorkerId, std::vector<TaskId>> cancels;
        for (const auto& row : run_over(session, "cancel.tell", std::move(rows))) {
            cancels[WorkerId{row.at("worker_id").get<std::string>()}].emplace_back(
                row.at("task_id").get<std::string>()
            );
        }
        std::vector<Result<HeartbeatReceipt>> answers;
        for (const auto& beat : beats) {
            const auto found = workers.find(beat.worker);
            if (found == workers.end()) {
                answers.emplace_back(no_worker(beat.worker));
                continue;
            }
            answers.emplace_back(HeartbeatReceipt{
                .next_task = hint(session, found->second, beat, heard_at),
                .cancel = cancels[beat.worker]});
        }
        return answers;
    });
}

Status SqlWorkerStore::retire(const WorkerId& worker) {
    auto done = parts_.database.write([&](Session& session) {
        lock_workers(session, {worker});
        if (load_workers(session, {worker}).empty()) {
            return false;
        }
        session.rows("worker.retire", Json{{"id", worker.value}});
        session.rows("cancel.drop_of_workers", ids_of(std::vector{worker}));
        return true;
    });
    if (!done) {
        return fail(std::move(done.error()));
    }
    if (!*done) {
        return no_worker(worker);
    }
    return {};
}

Result<Worker> SqlWorkerStore::find(const WorkerId& worker) {
    auto found =
        parts_.database.read([&](Session& session) { return load_workers(session, {worker}); });
    if (!found) {
        return fail(std::move(found.error()));
    }
    if (found->empty()) {
        return no_worker(worker);
    }
    return std::move(found->begin()->second.worker);
}

Result<std::vector<Worker>> SqlWorkerStore::list(const WorkerQuery& query) {
    return parts_.database.read([&](Session& session) {
        const Json parameter{
            {"status", query.status ? Json(to_string(*query.status)) : Json()},
            {"backend_type", text_or_null(query.backend_type)}};
        std::vector<Worker> workers;
        for (const auto& row : session.rows("worker.list", parameter)) {
            workers.push_back(worker_row(row).worker);
        }
        return workers;
    });
}

Result<WorkerStats> SqlWorkerStore::stats(const WorkerId& worker) {
    auto stats = parts_.database.read([&](Session& session) -> std::optional<WorkerStats> {
        if (load_workers(session, {worker}).empty()) {
            return std::nullopt;
        }
        const Json kept{{"scope", "worker"}, {"name", worker.value}};
        return WorkerStats{
            .counts = status_counts(session.row("count.one", kept)),
            .duration = summary(read_histogram(session, "worker", worker.value))};
    });
    if (!stats) {
        return fail(std::move(stats.error()));
    }
    if (!*stats) {
        return no_worker(worker);
    }
    return **stats;
}

}  // namespace opslab::sql
