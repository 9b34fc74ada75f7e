#include "patience.hpp"
#include "run_handle.hpp"

#include <opslab/docker/container_runs.hpp>

#include <sstream>

/// Whether what a run needs beside its own container was there throughout.
namespace opslab::docker {
namespace {

[[nodiscard]] EngineResult<ContainerState> look_at(
    Engine& engine, const std::string& container, Patience& patience, Interrupt interrupt
) {
    for (;;) {
        auto state = engine.inspect(container);
        if (state || !is_worth_a_retry(state.error())) {
            return state;
        }
        switch (patience.pause(interrupt)) {
            case Patience::Answer::interrupted:
                return engine_fail(EngineErrc::interrupted, "interrupted");
            case Patience::Answer::used_up:
                return state;
            case Patience::Answer::try_again:
                break;
        }
    }
}

// One that ended may be back by its restart policy, or about to be: then its last start is later.
[[nodiscard]] bool was_there(const ContainerState& other, const ContainerState& run) {
    const bool is_newer = run.started_ns > 0 && other.started_ns > run.started_ns;
    return other.is_running && !other.is_restarting && !is_newer;
}

}  // namespace

RunnerResult<std::optional<std::string>> ContainerRuns::first_lost(
    const RunHandle& handle, Interrupt interrupt
) {
    constexpr std::size_t kShortId = 12;
    const auto run = ContainerHandle::parse(handle.text);
    if (!run) {
        return runner_fail(RunnerErrc::not_found, "the handle is none of this runner");
    }
    Patience patience(spec_.away_limit);
    const auto own = look_at(engine_, run->id, patience, interrupt);
    if (!own && own.error().code == EngineErrc::not_found) {
        return runner_fail(RunnerErrc::not_found, "the run's container is gone");
    }
    if (!own) {
        return tl::unexpected(infrastructure("look at the run's container", own.error()));
    }
    const auto label = own->labels.find(kLabelReliesOn);
    std::istringstream containers(label == own->labels.end() ? std::string{} : label->second);
    for (std::string id; containers >> id;) {
        const auto other = look_at(engine_, id, patience, interrupt);
        if (!other && other.error().code == EngineErrc::not_found) {
            return id.substr(0, kShortId);
        }
        if (!other) {
            return tl::unexpected(infrastructure("look at what the run relies on", other.error()));
        }
        if (!was_there(*other, *own)) {
            return other->name;
        }
    }
    return std::nullopt;
}

}  // namespace opslab::docker
