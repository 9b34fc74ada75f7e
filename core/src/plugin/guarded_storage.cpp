#include "plugin/guarded_storage.hpp"

#include "plugin/call_timer.hpp"
#include "plugin/plugin_config.hpp"

#include <exception>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace opslab::plugin {

namespace {

/// Whether the storage itself failed, as against answering that a thing is not so.
bool is_failure(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
        case Errc::not_found:
        case Errc::conflict:
        case Errc::stale_attempt:
            return false;
        default:
            return true;
    }
}

/// What all guards of one storage share.
class Guard {
public:
    Guard(const std::string& name, const StorageHost& host, CallObserver* observer)
        : context_{"storage-" + name, host.clock, host.logger, observer},
          subject_("storage \"" + name + "\"") {}

    /// Runs `body`; nothing that it throws gets out.
    template <class Body>
    auto call(std::string_view verb, Body&& body) const -> std::invoke_result_t<Body> {
        CallTimer timer{context_, verb, {.slow = kSlowStorageCall, .due = Due::soon}};
        auto result = caught<std::invoke_result_t<Body>>(verb, std::forward<Body>(body));
        if (result || !is_failure(result.error().code)) {
            timer.succeeded();
            return result;
        }
        return fail(within(subject_, std::move(result.error())));
    }

    [[nodiscard]] const CallContext& context() const { return context_; }
    [[nodiscard]] const std::string& subject() const { return subject_; }

private:
    [[nodiscard]] static Error unexpected(std::string_view verb, const std::string& thrown) {
        return {
            .code = Errc::internal,
            .message = "it failed unexpectedly",
            .detail = std::string{verb} + ": it threw: " + thrown};
    }

    template <class Answer, class Body>
    static Answer caught(std::string_view verb, Body&& body) {
        try {
            return std::forward<Body>(body)();
        } catch (const std::exception& thrown) {
            return fail(unexpected(verb, thrown.what()));
        } catch (...) {
            return fail(unexpected(verb, "unknown exception"));
        }
    }

    CallContext context_;
    std::string subject_;
};

class GuardedTasks final : public TaskStore {
public:
    GuardedTasks(TaskStore& inner, const Guard& guard) : inner_(inner), guard_(guard) {}

    [[nodiscard]] Result<std::vector<Result<Submitted>>> submit(
        std::span<const Submission> submissions
    ) override {
        return guard_.call("tasks.submit", [&] { return inner_.submit(submissions); });
    }

    [[nodiscard]] Result<std::vector<TaskDetail>> details(std::span<const TaskId> ids) override {
        return guard_.call("tasks.details", [&] { return inner_.details(ids); });
    }

    [[nodiscard]] Result<TaskPage> list(const TaskQuery& query) override {
        return guard_.call("tasks.list", [&] { return inner_.list(query); });
    }

    [[nodiscard]] Result<QueueCounts> counts() override {
        return guard_.call("tasks.counts", [&] { return inner_.counts(); });
    }

    [[nodiscard]] Result<TaskStats> stats() override {
        return guard_.call("tasks.stats", [&] { return inner_.stats(); });
    }

    [[nodiscard]] Result<Outlook> outlook(const TaskId& task) override {
        return guard_.call("tasks.outlook", [&] { return inner_.outlook(task); });
    }

    [[nodiscard]] Result<std::vector<Result<Task>>> cancel(std::span<const TaskId> ids) override {
        return guard_.call("tasks.cancel", [&] { return inner_.cancel(ids); });
    }

private:
    TaskStore& inner_;
    const Guard& guard_;
};

class GuardedRuns final : public RunStore {
public:
    GuardedRuns(RunStore& inner, const Guard& guard) : inner_(inner), guard_(guard) {}

    [[nodiscard]] Result<std::vector<Result<std::vector<ClaimedTask>>>> claim(
        std::span<const ClaimRequest> requests, const ClaimPolicy& policy
    ) override {
        return guard_.call("runs.claim", [&] { return inner_.claim(requests, policy); });
    }

    [[nodiscard]] Result<std::vector<Result<ReportReceipt>>> record(
        std::span<const EventReport> reports, const ClaimPolicy& policy
    ) override {
        return guard_.call("runs.record", [&] { return inner_.record(reports, policy); });
    }

    [[nodiscard]] Result<std::vector<Result<Task>>> finish(
        std::span<const AttemptEnd> ends, const RetryPolicy& retry
    ) override {
        return guard_.call("runs.finish", [&] { return inner_.finish(ends, retry); });
    }

    [[nodiscard]] Result<SweepReport> sweep(const SweepPolicy& policy) override {
        return guard_.call("runs.sweep", [&] { return inner_.sweep(policy); });
    }

    [[nodiscard]] Result<std::vector<RunningAttempt>> running(const WorkerId& worker) override {
        return guard_.call("runs.running", [&] { return inner_.running(worker); });
    }

private:
    RunStore& inner_;
    const Guard& guard_;
};

class GuardedWorkers final : public WorkerStore {
public:
    GuardedWorkers(WorkerStore& inner, const Guard& guard) : inner_(inner), guard_(guard) {}

    [[nodiscard]] Result<Worker> enroll(const NewWorker& worker, Takeover takeover) override {
        return guard_.call("workers.enroll", [&] { return inner_.enroll(worker, takeover); });
    }

    [[nodiscard]] Result<std::vector<Result<HeartbeatReceipt>>> heartbeat(
        std::span<const Heartbeat> beats, const ClaimPolicy& policy
    ) override {
        return guard_.call("workers.heartbeat", [&] { return inner_.heartbeat(beats, policy); });
    }

    [[nodiscard]] Status retire(const WorkerId& worker) override {
        return guard_.call("workers.retire", [&] { return inner_.retire(worker); });
    }

    [[nodiscard]] Result<Worker> find(const WorkerId& worker) override {
        return guard_.call("workers.find", [&] { return inner_.find(worker); });
    }

    [[nodiscard]] Result<std::vector<Worker>> list(const WorkerQuery& query) override {
        return guard_.call("workers.list", [&] { return inner_.list(query); });
    }

    [[nodiscard]] Result<WorkerStats> stats(const WorkerId& worker) override {
        return guard_.call("workers.stats", [&] { return inner_.stats(worker); });
    }

private:
    WorkerStore& inner_;
    const Guard& guard_;
};

class GuardedHistory final : public HistoryStore {
public:
    GuardedHistory(HistoryStore& inner, const Guard& guard) : inner_(inner), guard_(guard) {}

    [[nodiscard]] Result<std::vector<StoredEvent>> events(
        const TaskId& task, std::int64_t after_seq, int limit
    ) override {
        return guard_.call("history.events", [&] { return inner_.events(task, after_seq, limit); });
    }

    [[nodiscard]] Result<std::vector<StoredLog>> logs(const LogQuery& query) override {
        return guard_.call("history.logs", [&] { return inner_.logs(query); });
    }

    [[nodiscard]] Result<std::vector<StoredStep>> steps(const TaskId& task, int attempt) override {
        return guard_.call("history.steps", [&] { return inner_.steps(task, attempt); });
    }

    [[nodiscard]] Result<FeedPage> feed(const FeedQuery& query) override {
        return guard_.call("history.feed", [&] { return inner_.feed(query); });
    }

private:
    HistoryStore& inner_;
    const Guard& guard_;
};

class GuardedOutbox final : public Outbox {
public:
    GuardedOutbox(Outbox& inner, const Guard& guard) : inner_(inner), guard_(guard) {}

    [[nodiscard]] Result<std::vector<Delivery>> take_due(int limit, Duration hold) override {
        return guard_.call("outbox.take_due", [&] { return inner_.take_due(limit, hold); });
    }

    [[nodiscard]] Status settle(std::span<const DeliveryOutcome> outcomes) override {
        return guard_.call("outbox.settle", [&] { return inner_.settle(outcomes); });
    }

private:
    Outbox& inner_;
    const Guard& guard_;
};

class GuardedWakeSource final : public WakeSource {
public:
    GuardedWakeSource(WakeSource& inner, const Guard& guard) : inner_(inner), guard_(guard) {}

    void listen(Listener* listener) override {
        const Status heard = guard_.call("wake_source.listen", [&]() -> Status {
            inner_.listen(listener);
            return {};
        });
        if (!heard) {
            log(guard_.context().logger,
                LogLevel::error,
                "no wake-ups from the storage",
                {{"plugin", guard_.context().plugin},
                 {"error", heard.error().message},
                 {"detail", heard.error().detail}});
        }
    }

private:
    WakeSource& inner_;
    const Guard& guard_;
};

class GuardedStorage final : public Storage {
public:
    GuardedStorage(
        Library library,
        const StorageHost& host,
        CallObserver* observer,
        std::unique_ptr<Storage> inner
    )
        : library_(std::move(library)),
          guard_(library_.description().name, host, observer),
          inner_(std::move(inner)),
          tasks_(inner_->tasks(), guard_),
          runs_(inner_->runs(), guard_),
          workers_(inner_->workers(), guard_),
          history_(inner_->history(), guard_),
          outbox_(inner_->outbox(), guard_) {
        if (WakeSource* source = inner_->wake_source()) {
            wake_source_ = std::make_unique<GuardedWakeSource>(*source, guard_);
        }
    }

    [[nodiscard]] TaskStore& tasks() override { return tasks_; }
    [[nodiscard]] RunStore& runs() override { return runs_; }
    [[nodiscard]] WorkerStore& workers() override { return workers_; }
    [[nodiscard]] HistoryStore& history() override { return history_; }
    [[nodiscard]] Outbox& outbox() override { return outbox_; }
    [[nodiscard]] WakeSource* wake_source() override { return wake_source_.get(); }

    [[nodiscard]] StorageInfo info() const override {
        try {
            return inner_->info();
        } catch (...) {
            return {library_.description().name, "unknown", 0};
        }
    }

    [[nodiscard]] Status ping() override {
        return guard_.call("ping", [&] { return inner_->ping(); });
    }

private:
    // in the order of need: what is above outlives what is below
    Library library_;
    Guard guard_;
    std::unique_ptr<Storage> inner_;
    GuardedTasks tasks_;
    GuardedRuns runs_;
    GuardedWorkers workers_;
    GuardedHistory history_;
    GuardedOutbox outbox_;
    std::unique_ptr<GuardedWakeSource> wake_source_{};
};

}  // namespace

Result<std::unique_ptr<Storage>> open_storage(
    const Library& library,
    const StorageHost& host,
    const std::string& config_json,
    CallObserver* observer
) {
    const Description& plugin = library.description();
    const std::string subject = "storage \"" + plugin.name + "\"";
    if (library.create_storage() == nullptr) {
        return fail(Errc::invalid_argument, plugin.file.string() + ": no storage plugin");
    }
    const auto finished = finished_config(plugin, config_json);
    if (!finished) {
        return fail(finished.error());
    }
    const CallContext context{"storage-" + plugin.name, host.clock, host.logger, observer};
    try {
        // migrations may take long, so opening is never called slow
        CallTimer timer{context, "open", {}};
        auto inner = library.create_storage()(host, *finished);
        if (!inner) {
            return fail(within(subject, std::move(inner.error())));
        }
        if (*inner == nullptr) {
            return fail(Errc::internal, subject + ": the plugin made no storage");
        }
        timer.succeeded();
        return std::make_unique<GuardedStorage>(library, host, observer, std::move(*inner));
    } catch (const std::exception& thrown) {
        return fail(Errc::internal, subject + ": failed to open", thrown.what());
    } catch (...) {
        return fail(Errc::internal, subject + ": failed to open", "unknown exception");
    }
}

Result<std::unique_ptr<Storage>> open_storage(
    const std::filesystem::path& file,
    const StorageHost& host,
    const std::string& config_json,
    CallObserver* observer
) {
    return expected_of(file)
        .and_then([&](const Expected& expected) { return Library::open(file, expected); })
        .and_then([&](const Library& library) {
            return open_storage(library, host, config_json, observer);
        });
}

}  // namespace opslab::plugin
