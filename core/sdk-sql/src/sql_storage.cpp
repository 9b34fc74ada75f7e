#include "verbs.hpp"

#include <opslab/sql/sql_storage.hpp>

namespace opslab::sql {

Result<std::vector<Delivery>> SqlOutbox::take_due(int limit, Duration hold) {
    return parts_.database.write([&](Session& session) {
        const auto now = parts_.host.clock.now();
        const Json parameter{
            {"now", to_micros(now)}, {"held_until", to_micros(now + hold)}, {"limit", limit}};
        std::vector<Delivery> due;
        for (const auto& row : session.rows("delivery.take", parameter)) {
            due.push_back(Delivery{
                .id = DeliveryId{row.at("id").get<std::string>()},
                .task = TaskId{row.at("task_id").get<std::string>()},
                .status = task_status_from(row.at("status").get<std::string>())
                              .value_or(TaskStatus::completed),
                .url = row.at("url").get<std::string>(),
                .tries = row.at("tries").get<int>()});
        }
        return due;
    });
}

Status SqlOutbox::settle(std::span<const DeliveryOutcome> outcomes) {
    auto done = parts_.database.write([&](Session& session) {
        const auto now = parts_.host.clock.now();
        std::vector<DeliveryId> finished;
        Json again = Json::array();
        for (const auto& outcome : outcomes) {
            if (outcome.again_after) {
                again.push_back(Json{
                    {"id", outcome.id.value},
                    {"due_at", to_micros(now + *outcome.again_after)},
                    {"tries", outcome.tries}});
            } else {
                finished.push_back(outcome.id);
            }
        }
        session.rows("delivery.done", ids_of(finished));
        run_over(session, "delivery.again", std::move(again));
        return true;
    });
    if (!done) {
        return fail(std::move(done.error()));
    }
    return {};
}

namespace {

class SqlStorage final : public Storage {
public:
    SqlStorage(
        StorageHost host,
        std::unique_ptr<Database> database,
        StorageInfo info,
        std::shared_ptr<WakeSource> wake_source
    )
        : database_(std::move(database)),
          lease_time_(host.clock, host.logger),
          wake_source_(std::move(wake_source)),
          info_(std::move(info)),
          tasks_(Parts{host, *database_, lease_time_}),
          runs_(Parts{host, *database_, lease_time_}),
          workers_(Parts{host, *database_, lease_time_}),
          history_(Parts{host, *database_, lease_time_}),
          outbox_(Parts{host, *database_, lease_time_}) {}

    TaskStore& tasks() override { return tasks_; }
    RunStore& runs() override { return runs_; }
    WorkerStore& workers() override { return workers_; }
    HistoryStore& history() override { return history_; }
    Outbox& outbox() override { return outbox_; }
    StorageInfo info() const override { return info_; }
    WakeSource* wake_source() override { return wake_source_.get(); }

    Status ping() override {
        auto answer = database_->read([](Session& session) {
            return session.rows("storage.ping", Json::object()).size();
        });
        if (!answer) {
            return fail(std::move(answer.error()));
        }
        return {};
    }

private:
    std::unique_ptr<Database> database_;
    LeaseTime lease_time_;
    std::shared_ptr<WakeSource> wake_source_;
    StorageInfo info_;
    SqlTaskStore tasks_;
    SqlRunStore runs_;
    SqlWorkerStore workers_;
    SqlHistoryStore history_;
    SqlOutbox outbox_;
};

}  // namespace

std::unique_ptr<Storage> make_sql_storage(
    StorageHost host,
    std::unique_ptr<Database> database,
    StorageInfo info,
    std::shared_ptr<WakeSource> wake_source
) {
    return std::make_unique<SqlStorage>(
        host, std::move(database), std::move(info), std::move(wake_source)
    );
}

}  // namespace opslab::sql
