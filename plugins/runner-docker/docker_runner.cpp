#include "docker_runner.hpp"

#include <opslab/docker/container_runs.hpp>
#include <opslab/docker/container_settings.hpp>
#include <opslab/exec/operator_file.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab::runner_docker {
namespace {

[[nodiscard]] bool leads_to_loopback(const std::string& kubeconfig) {
    return kubeconfig.find("https://127.") != std::string::npos ||
           kubeconfig.find("https://localhost") != std::string::npos;
}

class DockerRunner final : public Runner {
public:
    DockerRunner(docker::ContainerSettings settings, std::string kubeconfig)
        : kubeconfig_(std::move(kubeconfig)),
          runs_(std::move(settings.address), std::move(settings.spec)) {}

    [[nodiscard]] RunnerStatus check(const TaskSpec& task) override {
        return runs_.check(task, !kubeconfig_.empty());
    }

    [[nodiscard]] RunnerStatus prepare(const SlotSpec& /*slot*/, Interrupt interrupt) override {
        return runs_.prepare(interrupt);
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override {
        docker::RunExtras extras;
        if (!kubeconfig_.empty()) {
            auto text = exec::read_operator_file("kubeconfig", kubeconfig_);
            if (!text) {
                return tl::unexpected(text.error());
            }
            extras.files["kubeconfig"] = *std::move(text);
            extras.variables["KUBECONFIG"] = std::string{docker::kFilesDirectory} + "/kubeconfig";
        }
        return runs_.start(request, interrupt, extras);
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

    [[nodiscard]] RunnerResult<std::string> health() override {
        auto text = runs_.health();
        if (text && !kubeconfig_.empty()) {
            const auto kubeconfig = exec::read_operator_file("kubeconfig", kubeconfig_);
            if (!kubeconfig) {
                return tl::unexpected(kubeconfig.error());
            }
            text->insert(std::min(text->find('\n'), text->size()), ", kubeconfig " + kubeconfig_);
            if (leads_to_loopback(*kubeconfig)) {
                *text +=
                    "\nthe kubeconfig's server is on 127.0.0.1, which in a container is the "
                    "container itself; for kind: kind get kubeconfig --internal, and network: kind";
            }
        }
        return text;
    }

    [[nodiscard]] RunnerResult<std::optional<std::string>> problems(const WorkerId& worker
    ) override {
        return runs_.problems(worker);
    }

private:
    std::string kubeconfig_;
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
    // the settings are JSON, as they were just read as such
    auto kubeconfig = nlohmann::json::parse(config_json).value("kubeconfig", std::string{});
    if (!kubeconfig.empty() && !kubeconfig.starts_with('/')) {
        return runner_fail(RunnerErrc::invalid, "kubeconfig: expected an absolute path");
    }
    return std::make_unique<DockerRunner>(*std::move(settings), std::move(kubeconfig));
}

}  // namespace opslab::runner_docker
