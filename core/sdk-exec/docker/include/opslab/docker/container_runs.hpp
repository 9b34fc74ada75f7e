#pragma once

#include <opslab/docker/engine.hpp>
#include <opslab/runner.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::docker {

enum class PullPolicy : std::uint8_t { missing, always, never };

/// A Docker engine beside a run, for problems that break or clean up a whole one.
struct PrivateEngineSpec {
    std::string image{};                            ///< like docker:28-dind; empty: there is none
    std::vector<std::string> problems{"flower_*"};  ///< globs: who gets one
    std::chrono::seconds ready_timeout{60};
};

/// What every container of a runner is made like.
struct ContainerSpec {
    std::string image{};
    PullPolicy pull = PullPolicy::missing;
    std::optional<std::vector<std::string>> entrypoint{};  ///< none: the image's
    std::optional<std::vector<std::string>> command{};     ///< none: the image's
    std::map<std::string, std::string> variables{};        ///< values may be secret: never shown
    std::map<std::string, std::string> labels{};           ///< the operator's own
    std::string user{};
    std::string network{"bridge"};
    std::string scope{"default"};  ///< only runs of the same scope are listed as owned
    std::string log_driver{"local"};
    std::vector<std::string> extra_hosts{};
    std::int64_t memory_bytes = 0;  ///< 0: no limit
    std::int64_t nano_cpus = 0;     ///< 0: no limit
    std::int64_t pids_limit = 512;
    bool is_read_only = false;
    bool has_init = true;
    std::chrono::milliseconds away_limit{std::chrono::seconds{60}};
    PrivateEngineSpec engine{};
};

/// A label of a driver's image: with the value `kubeconfig` the driver plays no problem without
/// one, but for those that get a Docker engine of their own.
inline constexpr const char* kLabelNeeds = "opslab.driver.needs";

/// A label of a driver's image: the path of a file in it with the problems that the driver can
/// play, in the form of `opslab::Runner::problems`.
inline constexpr const char* kLabelProblems = "opslab.driver.problems";

struct ContainerEnd;
struct ContainerHandle;

/// What one run has beside the spec.
struct RunExtras {
    std::map<std::string, std::string> labels{};
    std::map<std::string, std::string> variables{};  ///< they beat the spec's
    std::map<std::string, std::string> files{};      ///< plain name: content, under kFilesDirectory
    std::string network_of{};  ///< a container whose network namespace is shared; empty: its own
    std::vector<std::string> relies_on{};  ///< ids of containers that others made; see first_lost
    bool* may_have_run = nullptr;  ///< made true where `start` fails and the driver may have run
};

/// Where a run finds the files of its RunExtras, readable by the driver alone.
inline constexpr const char* kFilesDirectory = "/opslab/task";

/// Runs drivers in containers: what a runner on Docker is made of. One container a run, named
/// `opslab-<run id>`, found again by its labels. Nothing that lacks those labels is ever touched.
/// A run outlives this process, and a successor with the same scope picks it up.
///
/// The verbs are those of opslab::Runner, with its promises, threads and failures; an engine that
/// is away is waited for (ContainerSpec::away_limit) and then is `infrastructure`. Handles are
/// this class's own; what is none is `invalid`.
class ContainerRuns {
public:
    /// Asks the engine nothing yet.
    ContainerRuns(EngineAddress address, ContainerSpec spec);

    /// `gives_kubeconfig`: each run has one in its extras. Asks the engine for the image's labels
    /// now and then; one that is away refuses nothing. Fails: `task` where the problem needs a
    /// Docker engine or the image a kubeconfig, and this runner has none for it.
    [[nodiscard]] RunnerStatus check(const TaskSpec& task, bool gives_kubeconfig = true);

    /// Brings the image, where the pull policy wants it. Idempotent. Interrupted by `interrupt`
    /// while it pulls. Fails: `infrastructure`, `interrupted`.
    [[nodiscard]] RunnerStatus prepare(Interrupt interrupt);

    /// Brings the image as `prepare` does, then makes and starts the container. `extras` is copied.
    /// On failure no container is left. Fails: `infrastructure`, `interrupted`, `invalid`.
    [[nodiscard]] RunnerResult<RunHandle> start(
        const RunRequest& request, Interrupt interrupt, const RunExtras& extras = {}
    );

    /// Delivers the container's output from `position` on; see deliver_output(). Fails:
    /// `not_found`, `infrastructure` (where somebody else has ended the container, too),
    /// `interrupted`, `invalid` (handle or position).
    [[nodiscard]] RunnerResult<RunEnd> wait(
        const RunHandle& handle,
        std::optional<std::string_view> position,
        RunSink& sink,
        Interrupt interrupt
    );

    /// The first container of the run's RunExtras::relies_on that does not run, or was started
    /// after the run's own was, and so was not there throughout: its name, or its id where it is
    /// gone. Nothing: all were there. Fails: `infrastructure`, `interrupted`, `not_found` (the
    /// run).
    [[nodiscard]] RunnerResult<std::optional<std::string>> first_lost(
        const RunHandle& handle, Interrupt interrupt
    );

    /// SIGTERM, after `grace` SIGKILL. Idempotent. Fails: `infrastructure`, `invalid`.
    [[nodiscard]] RunnerStatus stop(const RunHandle& handle, std::chrono::milliseconds grace);

    /// Removes the container by force, with its anonymous volumes. Idempotent. Fails: as stop.
    [[nodiscard]] RunnerStatus destroy(const RunHandle& handle);

    /// All containers with this worker's id and the spec's scope in their labels. Fails:
    /// `infrastructure`.
    [[nodiscard]] RunnerResult<std::vector<OwnedRun>> list_owned(const WorkerId& worker);

    /// One line on the engine and the image, and a second where the image is not there or agents
    /// can read keys (docs/security.md). Fails: `infrastructure`.
    [[nodiscard]] RunnerResult<std::string> health();

    /// The file that the image's label kLabelProblems names; nothing where the image is not there,
    /// or says nothing. Kept until the image is another one. For the look a container is made, and
    /// never started; should this process be killed meanwhile, `list_owned` finds it. Fails:
    /// `infrastructure`.
    [[nodiscard]] RunnerResult<std::optional<std::string>> problems(const WorkerId& worker);

    /// The run's id out of its handle; nothing where the handle is none of these.
    [[nodiscard]] static std::optional<std::string> run_of(const RunHandle& handle);

private:
    [[nodiscard]] RunnerStatus pull(const std::string& image, Interrupt interrupt);
    [[nodiscard]] RunnerStatus bring(const std::string& image, Interrupt interrupt);
    [[nodiscard]] RunnerResult<RunHandle> start_driver(
        const RunRequest& request,
        Interrupt interrupt,
        const RunExtras& extras,
        const std::string& prefix
    );
    [[nodiscard]] RunnerResult<std::string> create(
        const std::string& name, const std::string& body, Interrupt interrupt
    );
    [[nodiscard]] RunnerStatus remove_container(const ContainerHandle& run);
    [[nodiscard]] RunnerStatus remove_unstarted(const ContainerHandle& run);
    [[nodiscard]] RunnerStatus fill_and_start(
        const std::string& id, const std::string& archive, Interrupt interrupt, bool& may_have_run
    );
    [[nodiscard]] bool image_needs_kubeconfig();
    [[nodiscard]] RunnerResult<std::string> file_in_image(
        const WorkerId& worker, const std::string& image, const std::string& path
    );
    void note_ending(const std::string& container);
    [[nodiscard]] bool is_ending(const std::string& container);
    [[nodiscard]] std::optional<std::string> place_fault(
        const std::string& id, const ContainerEnd& end, Interrupt interrupt
    );
    [[nodiscard]] bool is_disk_full();
    /// Without the values of the variables, should the engine repeat one.
    [[nodiscard]] std::string redacted(std::string text) const;
    [[nodiscard]] RunnerError infrastructure(const std::string& what, const EngineError& error)
        const;

    Engine engine_;
    ContainerSpec spec_;
    std::mutex mutex_{};
    bool needs_kubeconfig_ = false;                               // guarded by mutex_
    std::optional<std::chrono::steady_clock::time_point> asked_;  // guarded by mutex_
    std::set<std::string> ending_{};  // guarded by mutex_: what this was asked to end, while there
    std::string engine_data_{};       // guarded by mutex_: empty: not known yet
    std::string known_image_{};       // guarded by mutex_: whose problems these are
    std::string known_problems_{};    // guarded by mutex_
};

}  // namespace opslab::docker
