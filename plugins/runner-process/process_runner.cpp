#include "process_runner.hpp"

#include <opslab/exec/operator_file.hpp>
#include <opslab/exec/program_path.hpp>

#include <utility>

namespace opslab::runner_process {

ProcessRunner::ProcessRunner(
    Settings settings, const RunnerHost& host, const std::string& supervisor
)
    : settings_(std::move(settings)),
      environment_(settings_.environment, settings_.variables),
      runs_({.runner = "process", .root = settings_.work_root, .supervisor = supervisor}, host) {}

RunnerResult<RunHandle> ProcessRunner::start(const RunRequest& request, Interrupt interrupt) {
    auto driver = find_driver();
    if (!driver) {
        return tl::unexpected(driver.error());
    }
    const exec::LocalCommand command{
        .program = std::move(*driver),
        .arguments = settings_.command,
        .environment = environment_,
        .open_files = settings_.open_files,
        .memory_bytes = settings_.memory_bytes};
    return runs_.start(request, command, interrupt);
}

RunnerResult<std::string> ProcessRunner::find_driver() const {
    return exec::find_program(
        settings_.command.front(), environment_.path(), exec::own_directory()
    );
}

RunnerResult<RunEnd> ProcessRunner::wait(
    const RunHandle& handle,
    std::optional<std::string_view> /*position*/,
    RunSink& sink,
    Interrupt interrupt
) {
    return runs_.wait(handle, sink, interrupt);
}

RunnerStatus ProcessRunner::stop(const RunHandle& handle, std::chrono::milliseconds grace) {
    return runs_.stop(handle, grace);
}

RunnerStatus ProcessRunner::destroy(const RunHandle& handle) {
    return runs_.destroy(handle);
}

RunnerResult<std::vector<OwnedRun>> ProcessRunner::list_owned(const WorkerId& worker) {
    return runs_.list_owned(worker);
}

RunnerResult<std::string> ProcessRunner::health() {
    const auto driver = find_driver();
    if (!driver) {
        return tl::unexpected(driver.error());
    }
    return runs_.health().map([&](const std::string& root) {
        return "driver " + *driver + ", runs under " + root;
    });
}

RunnerResult<std::optional<std::string>> ProcessRunner::problems(const WorkerId& /*worker*/) {
    if (settings_.problems_file.empty()) {
        return std::nullopt;
    }
    return exec::read_operator_file("problems_file", settings_.problems_file);
}

RunnerResult<std::unique_ptr<Runner>> create_process_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
) {
    auto settings = read_settings(config_json, host.state_dir());
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    return std::make_unique<ProcessRunner>(std::move(*settings), host, supervisor);
}

}  // namespace opslab::runner_process
