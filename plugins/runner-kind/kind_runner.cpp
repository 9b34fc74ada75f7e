#include "kind_runner.hpp"

#include "clean_end.hpp"
#include "cluster_pool.hpp"
#include "host_check.hpp"
#include "result_gate.hpp"

#include <opslab/docker/container_runs.hpp>
#include <opslab/exec/child_environment.hpp>
#include <opslab/exec/program_path.hpp>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace opslab::runner_kind {
namespace {

using docker::ContainerRuns;

// what the tools may need of opslab's own environment; the driver gets none of it
const std::vector<std::string> kToolVariables{
    "HOME",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "KIND_EXPERIMENTAL_CONTAINERD_SNAPSHOTTER"};

// What a killed opslab's kind and docker were doing is known by this.
constexpr const char* kMark = "OPSLAB_KIND_RUNNER";

[[nodiscard]] exec::ChildEnvironment tool_environment(
    const Settings& settings, const std::string& owner_mark
) {
    exec::ChildEnvironment environment(kToolVariables, {});
    // kind gives its containers nothing of a caller's choice but this, which it passes on; a host
    // that is none changes nothing for anybody who reads it
    std::string direct = environment.value("NO_PROXY");
    direct = direct.empty() ? environment.value("no_proxy") : direct;
    for (const char* name : {"NO_PROXY", "no_proxy"}) {
        environment.set(name, direct + (direct.empty() ? "" : ",") + owner_mark + ".invalid");
    }
    environment.set("DOCKER_HOST", settings.driver.address.text());
    if (settings.driver.spec.network != "kind") {
        environment.set("KIND_EXPERIMENTAL_DOCKER_NETWORK", settings.driver.spec.network);
    }
    return environment;
}

// A tool that is missing is said by `health` and by each run, not by a start that fails.
struct FoundTools {
    Tools tools{};
    RunnerStatus status{};
};

[[nodiscard]] FoundTools find_tools(Tools tools, std::string_view path) {
    FoundTools found{std::move(tools), {}};
    std::string missing;
    for (std::string* program : {&found.tools.kind, &found.tools.docker}) {
        auto at = exec::find_program(*program, path, exec::own_directory());
        if (at) {
            *program = *std::move(at);
        } else {
            missing += at.error().message + "; ";
        }
    }
    if (!missing.empty()) {
        found.status = runner_fail(
            RunnerErrc::infrastructure,
            missing +
                "runner-kind needs kind (https://kind.sigs.k8s.io) and the docker command line"
        );
    }
    return found;
}

class KindRunner final : public Runner {
public:
    KindRunner(
        const RunnerHost& host,
        Settings settings,
        FoundTools found,
        exec::Commands commands,
        ClusterRecords records,
        std::string owner_mark
    )
        : host_(host),
          tools_status_(std::move(found.status)),
          cli_(std::move(commands), std::move(found.tools), kMark + ("=" + host.state_dir())),
          records_(std::move(records)),
          needs_(settings.needs),
          network_(settings.driver.spec.network),
          builder_(
              cli_,
              records_,
              settings.cluster,
              settings.needs,
              host.state_dir(),
              std::move(owner_mark)
          ),
          runs_(std::move(settings.driver.address), std::move(settings.driver.spec)),
          pool_(
              builder_,
              records_,
              WorkerLocks(host.state_dir() + "/workers"),
              std::move(settings.pool),
              host
          ) {}

    [[nodiscard]] RunnerStatus check(const TaskSpec& task) override {
        return runs_.check(task, true);
    }

    [[nodiscard]] RunnerStatus prepare(const SlotSpec& slot, Interrupt interrupt) override {
        if (auto ours = manage(slot.worker); !ours) {
            return ours;
        }
        if (auto ready = runs_.prepare(interrupt); !ready) {
            return ready;
        }
        return pool_.prepare(slot, interrupt);
    }

    [[nodiscard]] RunnerResult<RunHandle> start(const RunRequest& request, Interrupt interrupt)
        override {
        if (auto ours = manage(request.slot.worker); !ours) {
            return tl::unexpected(ours.error());
        }
        const auto cluster = pool_.take(request.slot, request.run_id, interrupt);
        if (!cluster) {
            return tl::unexpected(cluster.error());
        }
        bool may_have_run = false;
        auto handle = start_beside(*cluster, request, interrupt, may_have_run);
        if (!handle) {
            pool_.give_back(request.run_id, may_have_run);
        }
        return handle;
    }

    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    ) override {
        const auto run = ContainerRuns::run_of(handle);
        manage_worker_of(run);
        CleanEndSink watched(sink);
        const auto check = [&] { return check_nodes(handle, interrupt); };
        ResultGate gate(watched, check);
        auto end = runs_.wait(handle, position, gate, interrupt);
        auto verdict = gate.verdict();
        if (end && verdict && !gate.has_outcome()) {
            verdict = check();  // a driver that ended without a word may have lost its cluster
        }
        if (!verdict) {
            return tl::unexpected(verdict.error());
        }
        if (run && end == RunEnd{EndKind::exited, 0} && watched.has_ended_clean()) {
            pool_.mark_clean(*run);
        }
        return end;
    }

    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace)
        override {
        return runs_.stop(handle, grace);
    }

    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle) override {
        const auto run = ContainerRuns::run_of(handle);
        manage_worker_of(run);
        auto destroyed = runs_.destroy(handle);
        if (destroyed && run) {
            pool_.release(*run);
        }
        return destroyed;
    }

    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker) override {
        auto owned = runs_.list_owned(worker);
        if (owned) {
            std::set<std::string> runs;
            for (const OwnedRun& run : *owned) {
                runs.insert(run.run_id);
            }
            pool_.release_all_but(worker, runs);
        }
        return owned;
    }

    /// Whatever the state of the tools, all that wants attention is said with it.
    [[nodiscard]] RunnerResult<std::string> health() override {
        auto text = state_of_tools();
        std::string& said = text ? *text : text.error().message;
        for (const std::string& complaint : complaints(text.has_value())) {
            said += "\n" + complaint;
        }
        return text;
    }

    [[nodiscard]] RunnerResult<std::optional<std::string>> problems(const WorkerId& worker
    ) override {
        static_cast<void>(manage(worker));  // where that cannot be, each run is told
        return runs_.problems(worker);
    }

private:
    // Clusters are touched by a worker at work alone: it asks for problems, prepares, starts, waits
    // and destroys. Who but lists and stops, as the guard of leases does beside a live worker, or
    // in place of a dead one that has a successor soon, has to do with containers of runs only.
    [[nodiscard]] RunnerStatus manage(const WorkerId& worker) {
        if (!tools_status_) {
            return tools_status_;
        }
        const auto is_new = pool_.manage(worker);
        if (!is_new) {
            return tl::unexpected(is_new.error());
        }
        if (*is_new) {
            // where the engine is away the worker's own look does it, once it is back
            static_cast<void>(list_owned(worker));
        }
        return {};
    }

    void manage_worker_of(const std::optional<std::string>& run) {
        const auto is_new = run ? pool_.manage_worker_of(*run) : RunnerResult<bool>{false};
        static_cast<void>(is_new);  // another's clusters are left to it
    }

    // What an agent found, or did not find, on a cluster that broke says nothing of the agent.
    [[nodiscard]] RunnerStatus check_nodes(const RunHandle& handle, Interrupt interrupt) {
        const auto lost = runs_.first_lost(handle, interrupt);
        if (!lost) {
            return tl::unexpected(lost.error());
        }
        if (*lost) {
            return runner_fail(
                RunnerErrc::infrastructure,
                "node \"" + **lost + "\" of the run's cluster ended or was restarted during the run"
            );
        }
        return {};
    }

    [[nodiscard]] RunnerResult<std::string> state_of_tools() {
        if (!tools_status_) {
            return tl::unexpected(tools_status_.error());
        }
        const auto kind = cli_.version();
        if (!kind) {
            return tl::unexpected(kind.error());
        }
        auto engine = runs_.health();
        if (!engine) {
            return engine;
        }
        const auto docker = cli_.docker_version();
        if (!docker) {
            return tl::unexpected(docker.error());
        }
        engine->insert(
            std::min(engine->find('\n'), engine->size()),
            pool_.summary() + ", " + host_text(host_.state_dir())
        );
        return *kind + ", " + *docker + ", " + *engine;
    }

    [[nodiscard]] std::vector<std::string> complaints(bool engine_answers) {
        std::vector<std::string> all = low_limits();
        if (auto room = check_room(needs_, host_.state_dir()); !room) {
            all.push_back(room.error().message);
        }
        const auto networks =
            engine_answers ? cli_.networks() : RunnerResult<std::vector<std::string>>{};
        const auto advice = networks ? address_advice(*networks, network_) : std::nullopt;
        if (advice) {
            all.push_back(*advice);
        }
        for (std::string& complaint : pool_.complaints()) {
            all.push_back(std::move(complaint));
        }
        return all;
    }

    [[nodiscard]] RunnerResult<RunHandle> start_beside(
        const std::string& cluster,
        const RunRequest& request,
        Interrupt interrupt,
        bool& may_have_run
    ) {
        auto kubeconfig = builder_.internal_kubeconfig(cluster);
        if (!kubeconfig) {
            return tl::unexpected(kubeconfig.error());
        }
        const auto record = records_.read(cluster);
        if (!record) {
            return runner_fail(
                RunnerErrc::infrastructure, "the record of \"" + cluster + "\" is gone"
            );
        }
        docker::RunExtras extras;
        extras.relies_on = record->nodes;
        extras.may_have_run = &may_have_run;
        extras.labels["opslab.cluster"] = cluster;
        extras.files["kubeconfig"] = *std::move(kubeconfig);
        extras.variables["KUBECONFIG"] = std::string{docker::kFilesDirectory} + "/kubeconfig";
        return runs_.start(request, interrupt, extras);
    }

    RunnerHost host_;
    RunnerStatus tools_status_;
    KindCli cli_;
    ClusterRecords records_;
    HostNeeds needs_;
    std::string network_;
    ClusterBuilder builder_;
    ContainerRuns runs_;
    ClusterPool pool_;  // last: its threads use all of the above
};

}  // namespace

RunnerResult<std::unique_ptr<Runner>> create_kind_runner(
    const RunnerHost& host, const std::string& config_json, const std::string& supervisor
) {
    auto settings = read_settings(config_json);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    ClusterRecords records(host.state_dir() + "/clusters");
    auto owner_mark = records.owner_mark();
    const auto environment = tool_environment(*settings, owner_mark.value_or(""));
    auto found = find_tools(settings->tools, environment.path());
    if (!owner_mark) {
        found.status = tl::unexpected(owner_mark.error());
    }
    exec::Commands commands(supervisor, environment.entries(), host.state_dir());
    return std::make_unique<KindRunner>(
        host,
        *std::move(settings),
        std::move(found),
        std::move(commands),
        std::move(records),
        owner_mark.value_or("")
    );
}

}  // namespace opslab::runner_kind
