#include "run_records.hpp"

#include <opslab/exec/directory_names.hpp>
#include <opslab/exec/task_file.hpp>
#include <opslab/exec/tree_removal.hpp>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace opslab::runner_exec {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kHandleStart = "exec:1:";

[[nodiscard]] RunnerStatus make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), S_IRWXU) == 0) {
        return {};
    }
    const int error = errno;
    return runner_fail(
        error == EEXIST ? RunnerErrc::invalid : RunnerErrc::infrastructure,
        "cannot make \"" + path + "\": " + std::strerror(error)
    );
}

}  // namespace

RunHandle to_handle(const RunName& name) {
    return RunHandle{std::string(kHandleStart) + name.worker + ":" + name.run};
}

RunnerResult<RunName> parts_of(const RunHandle& handle) {
    const std::string_view text = handle.text;
    const std::size_t colon = text.rfind(':');
    if (!text.starts_with(kHandleStart) || colon < kHandleStart.size()) {
        return runner_fail(RunnerErrc::invalid, "not a handle of this runner");
    }
    return RunName{
        std::string(text.substr(kHandleStart.size(), colon - kHandleStart.size())),
        std::string(text.substr(colon + 1))};
}

RunnerStatus RunRecords::make(const RunName& name, const RunRequest& request) const {
    const Json task = Json::parse(request.task_json, nullptr, false);
    if (!task.is_object()) {
        return runner_fail(RunnerErrc::invalid, "the task is no JSON object");
    }
    const Json text{
        {"run_id", request.run_id},
        {"worker_id", request.slot.worker.value},
        {"slot", request.slot.slot},
        {"attempt", request.attempt},
        {"task_id", request.task.value},
        {"problem_id", request.problem_id},
        {"task", task}};
    std::error_code failed;
    fs::create_directories(root_ + "/" + name.worker, failed);
    if (failed) {
        return runner_fail(
            RunnerErrc::infrastructure, "cannot make \"" + root_ + "\": " + failed.message()
        );
    }
    if (auto made = make_directory(directory(name)); !made) {
        return made;
    }
    auto status = make_directory(shared_directory(name));
    if (status) {
        status = exec::write_private_file(
            request_file(name), text.dump(-1, ' ', false, Json::error_handler_t::replace)
        );
    }
    if (!status) {
        static_cast<void>(remove(name));  // the first failure is the one to tell
    }
    return status;
}

bool RunRecords::exists(const RunName& name) const {
    struct stat info {};
    return ::lstat(directory(name).c_str(), &info) == 0;
}

RunnerStatus RunRecords::remove(const RunName& name) const {
    return exec::remove_tree(directory(name));
}

RunnerResult<std::vector<std::string>> RunRecords::list(const std::string& worker) const {
    return exec::names_in(root_ + "/" + worker);
}

std::string RunRecords::request_file(const RunName& name) const {
    return directory(name) + "/request.json";
}

std::string RunRecords::shared_directory(const RunName& name) const {
    return directory(name) + "/shared";
}

std::string RunRecords::directory(const RunName& name) const {
    return root_ + "/" + name.worker + "/" + name.run;
}

}  // namespace opslab::runner_exec
