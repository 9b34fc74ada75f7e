#include "memory_storage.hpp"

#include "roles.hpp"

namespace opslab::memory {

namespace {

class MemoryStorage final : public Storage {
public:
    explicit MemoryStorage(const StorageHost& host) : rows_(host) {}

    TaskStore& tasks() override { return tasks_; }
    RunStore& runs() override { return runs_; }
    WorkerStore& workers() override { return workers_; }
    HistoryStore& history() override { return history_; }
    Outbox& outbox() override { return outbox_; }
    [[nodiscard]] StorageInfo info() const override {
        return StorageInfo{.name = "memory", .location = "this process", .schema_version = 1};
    }
    Status ping() override { return {}; }

private:
    Rows rows_;
    MemoryTasks tasks_{rows_};
    MemoryRuns runs_{rows_};
    MemoryWorkers workers_{rows_};
    MemoryHistory history_{rows_};
    MemoryOutbox outbox_{rows_};
};

}  // namespace

std::unique_ptr<Storage> make_storage(const StorageHost& host) {
    return std::make_unique<MemoryStorage>(host);
}

Result<std::unique_ptr<Storage>> open_memory(
    const StorageHost& host, const std::string& /*config_json*/
) {
    return make_storage(host);
}

}  // namespace opslab::memory
