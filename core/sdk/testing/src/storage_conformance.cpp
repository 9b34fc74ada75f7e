#include <opslab/testing/storage_conformance.hpp>

#include <stdexcept>

namespace opslab::testing {

namespace {

template <class T>
T must(Result<T> result, const char* what) {
    if (!result) {
        throw std::runtime_error(std::string{what} + ": " + result.error().message);
    }
    return std::move(*result);
}

template <class T>
Result<T> only(Result<std::vector<Result<T>>> results, const char* what) {
    auto all = must(std::move(results), what);
    return std::move(all.at(0));
}

}  // namespace

void StorageConformance::SetUp() {
    place_ = GetParam().place();
    reopen();
}

void StorageConformance::reopen() {
    storage_.reset();
    storage_ = must(place_->open(StorageHost{clock_, entropy_, logger_}), "open");
}

NewTask StorageConformance::a_task(int priority) {
    NewTask task;
    task.id = TaskId{make_uuid(clock_.now(), entropy_)};
    task.problem_id = "pod_failure-detection-1";
    task.parameters.priority = priority;
    return task;
}

Task StorageConformance::submit(NewTask task) {
    const Submission submission{.tasks = {std::move(task)}};
    auto submitted = must(only(tasks().submit({&submission, 1}), "submit"), "submit");
    clock_.advance(Duration{1});
    return std::move(submitted.tasks.at(0));
}

WorkerId StorageConformance::enroll(
    const std::string& id, int slots, std::vector<std::string> problems
) {
    const NewWorker fresh{
        .id = WorkerId{id},
        .backend_type = id.substr(id.rfind('-') + 1),
        .max_parallel_tasks = slots,
        .supported_problems = std::move(problems)};
    return must(workers().enroll(fresh, Takeover::refuse), "enroll").id;
}

std::vector<ClaimedTask> StorageConformance::claim(const WorkerId& worker, int max) {
    const ClaimRequest request{.worker = worker, .max = max};
    return must(only(runs().claim({&request, 1}, policy_), "claim"), "claim");
}

Task StorageConformance::running_task(const WorkerId& worker, NewTask task) {
    submit(std::move(task));
    return claim(worker).at(0).task;
}

Result<Task> StorageConformance::finish(AttemptEnd end) {
    return only(runs().finish({&end, 1}, retry_), "finish");
}

Result<Task> StorageConformance::cancel(const TaskId& id) {
    return only(tasks().cancel({&id, 1}), "cancel");
}

TaskDetail StorageConformance::detail(const TaskId& id) {
    return must(tasks().details({&id, 1}), "details").at(0);
}

std::vector<StoredEvent> StorageConformance::events(const TaskId& id) {
    return must(history().events(id, 0, 10'000), "events");
}

Worker StorageConformance::worker(const WorkerId& id) {
    return must(workers().find(id), "find");
}

HeartbeatReceipt StorageConformance::beat(const WorkerId& id, std::optional<TaskId> current) {
    const Heartbeat heartbeat{
        .worker = id,
        .status = current ? WorkerStatus::busy : WorkerStatus::idle,
        .current_task = std::move(current),
        .wants_hint = true};
    return must(only(workers().heartbeat({&heartbeat, 1}, policy_), "heartbeat"), "heartbeat");
}

Task StorageConformance::task_in(TaskStatus status, const WorkerId& worker) {
    if (status == TaskStatus::pending) {
        return submit(a_task());
    }
    auto task = running_task(worker, a_task(10));
    switch (status) {
        case TaskStatus::completed:
            return must(finish(success_of(task, "made")), "finish");
        case TaskStatus::failed:
            return must(finish(failure_of(task, FailureKind::task, "made")), "finish");
        case TaskStatus::cancelled:
            return must(cancel(task.id), "cancel");
        case TaskStatus::timeout:
            clock_.advance(std::chrono::minutes{31});
            must(runs().sweep(SweepPolicy{}), "sweep");
            beat(worker);
            return detail(task.id).task;
        case TaskStatus::pending:
        case TaskStatus::running:
            break;
    }
    return task;
}

AttemptEnd success_of(const Task& task, const std::string& digest) {
    return AttemptEnd{
        .task = task.id,
        .attempt = task.attempt,
        .worker = task.worker_id.value_or(WorkerId{"worker-001-kind"}),
        .outcome = TaskResult{.result_json = R"({"success":true})", .success = true, .reward = 0.1},
        .digest = digest};
}

AttemptEnd failure_of(const Task& task, FailureKind kind, const std::string& digest) {
    return AttemptEnd{
        .task = task.id,
        .attempt = task.attempt,
        .worker = task.worker_id.value_or(WorkerId{"worker-001-kind"}),
        .outcome = Failure{.kind = kind, .phase = "setup", .message = "it broke"},
        .error_details = "stderr said so",
        .digest = digest};
}

}  // namespace opslab::testing
