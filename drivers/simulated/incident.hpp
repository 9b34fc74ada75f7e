#pragma once

#include "reporter.hpp"
#include "task.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace simulated {

/// What happens in one step: what the agent sees and what it does about it.
struct Scene {
    std::string_view observation{};
    std::string_view action{};
};

/// A scripted incident of one of AIOpsLab's four task types; the last scene submits.
struct Incident {
    std::string_view type{};
    std::span<const Scene> scenes{};
};

/// By the problem's id: `…-localization-1` is a localization; one that names no type, a detection.
[[nodiscard]] const Incident& incident_of(std::string_view problem_id);

/// Step `number` (from 1) of a run: the scenes in order, and round again where a script asks for
/// more steps than there are, submitting only in the last of `total`.
[[nodiscard]] Step make_step(const Incident& incident, int number, int total, const Task& task);

}  // namespace simulated
