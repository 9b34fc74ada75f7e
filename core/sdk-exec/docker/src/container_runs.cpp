#include "container_spec.hpp"
#include "exposed_keys.hpp"
#include "patience.hpp"
#include "private_engine.hpp"
#include "run_handle.hpp"

#include <opslab/docker/container_runs.hpp>
#include <opslab/exec/event_prefix.hpp>
#include <opslab/exec/task_file.hpp>

#include <poll.h>

#include <algorithm>
#include <set>
#include <utility>

namespace opslab::docker {
namespace {

[[nodiscard]] bool is_interrupted(Interrupt interrupt) {
    pollfd entry{interrupt.fd, POLLIN, 0};  // a negative descriptor is ignored
    return ::poll(&entry, 1, 0) > 0;
}

// The engine may have done what it was asked to, or do it yet.
[[nodiscard]] bool is_unanswered(const EngineError& error) {
    return error.code == EngineErrc::away || error.code == EngineErrc::timeout ||
           error.code == EngineErrc::protocol;
}

[[nodiscard]] bool is_run_id(std::string_view text) {
    constexpr std::size_t kMax = 64;
    const auto is_allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == '-';
    };
    const auto is_word = [](char c) { return c != '.' && c != '-'; };
    return text.size() <= kMax && std::all_of(text.begin(), text.end(), is_allowed) &&
           std::any_of(text.begin(), text.end(), is_word);
}

}  // namespace

ContainerRuns::ContainerRuns(EngineAddress address, ContainerSpec spec)
    : engine_(std::move(address)), spec_(std::move(spec)) {}

std::string ContainerRuns::redacted(std::string text) const {
    constexpr std::size_t kShortestSecret = 4;
    for (const auto& [name, value] : spec_.variables) {
        for (auto at = text.find(value); value.size() >= kShortestSecret && at != std::string::npos;
             at = text.find(value, at)) {
            text.replace(at, value.size(), "***");
            at += 3;
        }
    }
    return text;
}

RunnerError ContainerRuns::infrastructure(const std::string& what, const EngineError& error) const {
    if (error.code == EngineErrc::interrupted) {
        return {RunnerErrc::interrupted, what + ": interrupted"};
    }
    return {RunnerErrc::infrastructure, what + ": " + redacted(error.message)};
}

// Asked again from time to time, since an image may be pulled anew under its name.
bool ContainerRuns::image_needs_kubeconfig() {
    constexpr std::chrono::seconds kKnownFor{15};
    const auto now = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        if (asked_ && now - *asked_ < kKnownFor) {
            return needs_kubeconfig_;
        }
    }
    const auto image = engine_.image(spec_.image);
    if (!image) {
        return false;  // not there yet, or nobody to ask
    }
    const auto needs = image->labels.find(kLabelNeeds);
    const std::lock_guard lock(mutex_);
    asked_ = now;
    needs_kubeconfig_ = needs != image->labels.end() && needs->second == "kubeconfig";
    return needs_kubeconfig_;
}

RunnerStatus ContainerRuns::check(const TaskSpec& task, bool gives_kubeconfig) {
    if (!wants_private_engine(spec_.engine, task.problem_id)) {
        // a KUBECONFIG that the operator set leads to a file that is in the image
        if (gives_kubeconfig || spec_.variables.contains("KUBECONFIG") ||
            !image_needs_kubeconfig()) {
            return {};
        }
        return runner_fail(
            RunnerErrc::task,
            "problem \"" + task.problem_id +
                "\" needs a Kubernetes cluster, and this runner has none to give: set kubeconfig, "
                "or use the kind runner"
        );
    }
    // a DOCKER_HOST that the operator set is an engine too
    if (!spec_.engine.image.empty() || spec_.variables.contains("DOCKER_HOST")) {
        return {};
    }
    return runner_fail(
        RunnerErrc::task,
        "problem \"" + task.problem_id +
            "\" needs a Docker engine of its own, and this runner has none to give: set "
            "docker_engine_image (docker:28-dind), or docker_engine_problems"
    );
}

RunnerStatus ContainerRuns::pull(const std::string& image, Interrupt interrupt) {
    if (auto pulled = engine_.pull_image(image, interrupt); !pulled) {
        return tl::unexpected(infrastructure(
            "pull image \"" + image + "\" (pull it by hand, or load it and set pull: never)",
            pulled.error()
        ));
    }
    return {};
}

RunnerStatus ContainerRuns::prepare(Interrupt interrupt) {
    return bring(spec_.image, interrupt);
}

RunnerStatus ContainerRuns::bring(const std::string& image, Interrupt interrupt) {
    if (spec_.pull == PullPolicy::always) {
        return pull(image, interrupt);
    }
    const auto is_there = engine_.has_image(image);
    if (!is_there) {
        return tl::unexpected(infrastructure("look for the image", is_there.error()));
    }
    if (*is_there) {
        return {};
    }
    if (spec_.pull == PullPolicy::never) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "image \"" + image +
                "\" is not on the engine and pull is \"never\"; load it, or set pull: missing"
        );
    }
    return pull(image, interrupt);
}

RunnerResult<std::string> ContainerRuns::create(
    const std::string& name, const std::string& body, Interrupt interrupt
) {
    auto made = engine_.create(name, body);
    if (!made && made.error().code == EngineErrc::not_found) {
        if (auto ready = prepare(interrupt); !ready) {
            return tl::unexpected(ready.error());
        }
        made = engine_.create(name, body);
    }
    if (made) {
        return *std::move(made);
    }
    if (made.error().code == EngineErrc::conflict) {
        return runner_fail(
            RunnerErrc::infrastructure,
            "a container named \"" + name + "\" is there already and was left alone; remove it"
        );
    }
    return tl::unexpected(
        infrastructure("create a container of image \"" + spec_.image + "\"", made.error())
    );
}

RunnerStatus ContainerRuns::fill_and_start(
    const std::string& id, const std::string& archive, Interrupt interrupt, bool& may_have_run
) {
    if (auto unpacked = engine_.unpack(id, kRunDirectory, archive); !unpacked) {
        return tl::unexpected(infrastructure("hand over the task file", unpacked.error()));
    }
    if (is_interrupted(interrupt)) {
        return runner_fail(RunnerErrc::interrupted, "the start was interrupted");
    }
    if (auto started = engine_.start(id); !started) {
        may_have_run = is_unanswered(started.error());
        return tl::unexpected(infrastructure("start image \"" + spec_.image + "\"", started.error())
        );
    }
    return {};
}

RunnerResult<RunHandle> ContainerRuns::start(
    const RunRequest& request, Interrupt interrupt, const RunExtras& extras
) {
    if (!is_run_id(request.run_id)) {
        return runner_fail(
            RunnerErrc::invalid, "the run id is not of [0-9a-f.-], 1 to 64 characters"
        );
    }
    const auto& worker = request.slot.worker.value;
    if (!std::all_of(worker.begin(), worker.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
        })) {
        return runner_fail(RunnerErrc::invalid, "the worker's id is not of [a-z0-9-]");
    }
    auto prefix = exec::make_event_prefix();
    if (!prefix) {
        return tl::unexpected(prefix.error());
    }
    if (spec_.engine.image.empty() || !wants_private_engine(spec_.engine, request.problem_id)) {
        return start_driver(request, interrupt, extras, *prefix);
    }
    if (auto brought = bring(spec_.engine.image, interrupt); !brought) {
        return tl::unexpected(brought.error());
    }
    const auto beside = start_private_engine(engine_, spec_, request, *prefix, interrupt);
    if (!beside) {
        return tl::unexpected(beside.error());
    }
    RunExtras with_engine = extras;
    with_engine.network_of = *beside;
    with_engine.variables["DOCKER_HOST"] = kPrivateEngineHost;
    auto started = start_driver(request, interrupt, with_engine, *prefix);
    if (!started) {
        // if this fails, list_owned finds it
        static_cast<void>(remove_companions(engine_, spec_.scope, request.run_id));
    }
    return started;
}

RunnerResult<RunHandle> ContainerRuns::start_driver(
    const RunRequest& request,
    Interrupt interrupt,
    const RunExtras& extras,
    const std::string& prefix
) {
    const auto task_file = exec::task_file_text(request.task_json, prefix);
    if (!task_file) {
        return tl::unexpected(task_file.error());
    }
    if (spec_.pull == PullPolicy::always) {
        if (auto pulled = pull(spec_.image, interrupt); !pulled) {
            return tl::unexpected(pulled.error());
        }
    }
    if (is_interrupted(interrupt)) {
        return runner_fail(RunnerErrc::interrupted, "the start was interrupted");
    }
    const std::string name = "opslab-" + request.run_id;
    const auto id = create(name, container_body(spec_, extras, request, prefix), interrupt);
    if (!id) {
        // a call that was cut off may have made it all the same; only what carries this very
        // attempt's fresh word is removed
        const auto left = engine_.inspect(name);
        if (left) {
            const auto ours = ContainerHandle::from_labels(left->id, left->labels);
            if (ours && ours->event_prefix == prefix) {
                static_cast<void>(destroy(ours->text()));
            }
        }
        return tl::unexpected(id.error());
    }
    const ContainerHandle handle{*id, request.run_id, prefix};
    const auto archive = run_archive(spec_, extras, *task_file);
    bool may_run = false;
    if (auto started = fill_and_start(*id, archive, interrupt, may_run); !started) {
        if (extras.may_have_run != nullptr) {
            *extras.may_have_run = *extras.may_have_run || may_run;
        }
        // What may run must be gone before this is told, as the task may then be started elsewhere.
        // If this fails for good, list_owned finds it.
        Patience patience(may_run ? spec_.away_limit : std::chrono::milliseconds{0});
        while (!destroy(handle.text()) && patience.pause(interrupt) == Patience::Answer::try_again
        ) {
        }
        return tl::unexpected(started.error());
    }
    return handle.text();
}

void ContainerRuns::note_ending(const std::string& container) {
    const std::lock_guard lock(mutex_);
    ending_.insert(container);
}

RunnerStatus ContainerRuns::stop(const RunHandle& handle, std::chrono::milliseconds grace) {
    const auto run = ContainerHandle::parse(handle.text);
    if (!run) {
        return {};  // unknown is fine
    }
    note_ending(run->id);
    const auto is_over = [](const EngineError& error) {
        return error.code == EngineErrc::not_found || error.code == EngineErrc::conflict;
    };
    if (grace.count() > 0) {
        if (auto asked = engine_.kill(run->id, "SIGTERM"); !asked) {
            if (is_over(asked.error())) {
                return remove_unstarted(*run);
            }
            return tl::unexpected(infrastructure("stop the run", asked.error()));
        }
        const auto ended = engine_.wait_until_stopped(run->id, grace);
        if (ended || is_over(ended.error())) {
            return {};
        }
    }
    if (auto killed = engine_.kill(run->id, "SIGKILL"); !killed) {
        if (is_over(killed.error())) {
            return remove_unstarted(*run);
        }
        return tl::unexpected(infrastructure("stop the run by force", killed.error()));
    }
    const auto ended = engine_.wait_until_stopped(run->id, std::chrono::seconds{30});
    if (!ended && !is_over(ended.error())) {
        return tl::unexpected(infrastructure("wait for the end of the run", ended.error()));
    }
    return {};
}

// Whoever made it may stand still between making and starting it, and would start it when it goes
// on. Without the container it cannot.
RunnerStatus ContainerRuns::remove_unstarted(const ContainerHandle& run) {
    const auto state = engine_.inspect(run.id);
    if (!state && state.error().code != EngineErrc::not_found) {
        return tl::unexpected(infrastructure("look for the run's container", state.error()));
    }
    return !state || state->was_started ? RunnerStatus{} : remove_container(run);
}

RunnerStatus ContainerRuns::destroy(const RunHandle& handle) {
    const auto run = ContainerHandle::parse(handle.text);
    if (!run) {
        return {};
    }
    note_ending(run->id);
    if (auto removed = remove_container(*run); !removed) {
        return removed;
    }
    {
        const std::lock_guard lock(mutex_);
        ending_.erase(run->id);
    }
    if (auto removed = remove_companions(engine_, spec_.scope, run->run_id); !removed) {
        return tl::unexpected(infrastructure("remove what is beside the run", removed.error()));
    }
    return {};
}

RunnerStatus ContainerRuns::remove_container(const ContainerHandle& run) {
    // a removal that is under way elsewhere is waited for: what is gone must be gone on return
    Patience patience(std::chrono::seconds{30});
    for (;;) {
        const auto state = engine_.inspect(run.id);
        if (!state && state.error().code == EngineErrc::not_found) {
            return {};
        }
        if (!state) {
            return tl::unexpected(infrastructure("look for the run's container", state.error()));
        }
        const auto ours = ContainerHandle::from_labels(state->id, state->labels);
        if (!ours || ours->run_id != run.run_id) {
            return {};  // whatever it is, opslab did not make it for this run
        }
        const auto removed = engine_.remove(state->id);
        if (removed || removed.error().code == EngineErrc::not_found) {
            return {};
        }
        if (removed.error().code != EngineErrc::conflict ||
            patience.pause(Interrupt{}) == Patience::Answer::used_up) {
            return tl::unexpected(infrastructure("remove the run's container", removed.error()));
        }
    }
}

RunnerResult<std::vector<OwnedRun>> ContainerRuns::list_owned(const WorkerId& worker) {
    const Labels wanted{
        {kLabelManaged, "true"}, {kLabelScope, spec_.scope}, {kLabelWorker, worker.value}};
    const auto found = engine_.list(wanted);
    if (!found) {
        return tl::unexpected(infrastructure("list the worker's containers", found.error()));
    }
    std::vector<OwnedRun> owned;
    std::set<std::string> listed;
    // a run's own container stands for it; where it is gone, what was beside it does
    for (const bool is_own : {true, false}) {
        for (const ContainerSummary& container : *found) {
            const auto run = ContainerHandle::from_labels(container.id, container.labels);
            if (run && is_own != container.labels.contains(kLabelRole) &&
                listed.insert(run->run_id).second) {
                owned.push_back({run->run_id, run->text()});
            }
        }
    }
    return owned;
}

RunnerResult<std::string> ContainerRuns::health() {
    const auto version = engine_.version();
    if (!version) {
        return tl::unexpected(infrastructure("reach the Docker engine", version.error()));
    }
    const auto image = engine_.image(spec_.image);
    if (!image && image.error().code != EngineErrc::not_found) {
        return tl::unexpected(infrastructure("look for the image", image.error()));
    }
    const auto found = "Docker engine " + *version + " at " + engine_.address().text();
    const auto named = "image \"" + spec_.image + "\"";
    if (image) {
        const auto keys = exposed_keys(spec_, image->user);
        return found + ", " + named + " present" + (keys ? "\n" + *keys : std::string{});
    }
    return found + "\n" + named + " is not on the engine: " +
           (spec_.pull == PullPolicy::never
                ? "load or build it, since pull is \"never\""
                : "pull or build it ahead of the first task, or that one pulls it");
}

std::optional<std::string> ContainerRuns::run_of(const RunHandle& handle) {
    const auto parsed = ContainerHandle::parse(handle.text);
    return parsed ? std::optional{parsed->run_id} : std::nullopt;
}

}  // namespace opslab::docker
