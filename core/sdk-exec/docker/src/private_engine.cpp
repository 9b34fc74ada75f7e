#include "private_engine.hpp"

#include "container_spec.hpp"
#include "patience.hpp"
#include "run_handle.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace opslab::docker {
namespace {

[[nodiscard]] tl::unexpected<RunnerError> failed(
    const std::string& what, const std::string& why, RunnerErrc code = RunnerErrc::infrastructure
) {
    return runner_fail(code, "the run's own Docker engine: " + what + ": " + why);
}

// Until its health check says that it answers.
[[nodiscard]] RunnerStatus await_engine(
    Engine& engine, const std::string& id, std::chrono::seconds limit, Interrupt interrupt
) {
    Patience patience(limit);
    for (;;) {
        const auto state = engine.inspect(id);
        if (!state) {
            return failed("look at it", state.error().message);
        }
        if (state->health == "healthy") {
            return {};
        }
        if (!state->is_running) {
            return failed(
                "start it", "it ended by itself with status " + std::to_string(state->exit_code)
            );
        }
        switch (patience.pause(interrupt)) {
            case Patience::Answer::interrupted:
                return failed("start it", "interrupted", RunnerErrc::interrupted);
            case Patience::Answer::used_up:
                return failed(
                    "start it", "no answer within " + std::to_string(limit.count()) + " s"
                );
            default:
                break;
        }
    }
}

}  // namespace

bool wants_private_engine(const PrivateEngineSpec& spec, const std::string& problem) {
    return std::any_of(spec.problems.begin(), spec.problems.end(), [&](const std::string& glob) {
        return ::fnmatch(glob.c_str(), problem.c_str(), 0) == 0;
    });
}

RunnerResult<std::string> start_private_engine(
    Engine& engine,
    const ContainerSpec& spec,
    const RunRequest& request,
    const std::string& event_prefix,
    Interrupt interrupt
) {
    const auto id = engine.create(
        "opslab-" + request.run_id + "-docker", private_engine_body(spec, request, event_prefix)
    );
    if (!id) {
        return failed("make a container of \"" + spec.engine.image + "\"", id.error().message);
    }
    RunnerStatus ready{};
    if (const auto started = engine.start(*id); !started) {
        ready = failed("start it", started.error().message);
    } else {
        ready = await_engine(engine, *id, spec.engine.ready_timeout, interrupt);
    }
    if (!ready) {
        static_cast<void>(engine.remove(*id));  // if this fails too, list_owned finds it
        return tl::unexpected(ready.error());
    }
    return *id;
}

EngineStatus remove_companions(
    Engine& engine, const std::string& scope, const std::string& run_id
) {
    const auto found =
        engine.list({{kLabelManaged, "true"}, {kLabelScope, scope}, {kLabelRun, run_id}});
    if (!found) {
        return tl::unexpected(found.error());
    }
    for (const ContainerSummary& container : *found) {
        if (!container.labels.contains(kLabelRole)) {
            continue;
        }
        auto removed = engine.remove(container.id);
        if (!removed && removed.error().code != EngineErrc::not_found) {
            return removed;
        }
    }
    return {};
}

}  // namespace opslab::docker
