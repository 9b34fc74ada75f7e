#include "docker_runner.hpp"

#include <opslab/docker/container_runs.hpp>
#include <opslab/docker/container_settings.hpp>

#include <utility>

namespace opslab::runner_docker {
namespace {

class DockerRunner final : public Runner {
public:
    explicit DockerRunner(docker::ContainerSettings settings)
        : runs_(std::move(settings.address), std::move(settings.spec)) {}

    [[nodiscard]] RunnerStatus prepare(const SlotSpec& /*slot*/, Interrupt interrupt) override {
        return runs_.prepare(interrupt);
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override {
        return runs_.start(request, interrupt);
    }

    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    ) override {
        return runs_.wait(handle, position, sink, interrupt);
    }

    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace)
        override {
        return runs_.stop(handle, grace);
    }

    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle) override {
        return runs_.destroy(handle);
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        return runs_.list_owned(worker);
    }

    [[nodiscard]] RunnerResult<std::string> health() override { return runs_.health(); }

private:
    docker::ContainerRuns runs_;
};

}  // namespace

RunnerResult<std::unique_ptr<Runner>> create_docker_runner(
    const RunnerHost& /*host*/, const std::string& config_json
) {
    auto settings = docker::read_container_settings(config_json);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    return std::make_unique<DockerRunner>(*std::move(settings));
}

}  // namespace opslab::runner_docker
