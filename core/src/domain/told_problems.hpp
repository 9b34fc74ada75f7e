#pragma once

#include "base/json.hpp"
#include "domain/problem_catalogue.hpp"

#include <opslab/worker.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The problems that workers know: `capabilities.problems` of a registration, each with what is
/// known of it, and those ids of `supported_problems` that are no patterns.
namespace opslab {

/// Of one worker. A benchmark with more tells of its problems by `supported_problems`' patterns.
inline constexpr std::size_t kMaxToldProblems = 1000;

/// Notes at `pointer` what is wrong with `problems`, one mistake for each entry at most. Members
/// that are not known are no mistake.
void check_told_problems(
    const Json& problems, const std::string& pointer, std::vector<FieldError>& errors
);

/// `worker` as it is kept: of its `capabilities.problems` only those that are not in the table that
/// is built in, since a worker is read often, and of each only the members that are known.
[[nodiscard]] NewWorker with_new_problems_alone(NewWorker worker);

/// What a driver can play, for `capabilities.problems`, out of what its runner says of it
/// (`Runner::problems`).
struct DriverProblems {
    std::string problems_json{"[]"};  ///< at most kMaxToldProblems, of each the known members
    std::size_t left_out = 0;         ///< entries that were wrong or too many
};

/// Errors: `invalid_argument` where `text` is no object with an array `problems`.
[[nodiscard]] Result<DriverProblems> read_driver_problems(std::string_view text);

/// `worker` with `capabilities.problems` as given.
[[nodiscard]] NewWorker telling_of(NewWorker worker, const DriverProblems& problems);

/// What a registered worker tells of, those of `capabilities.problems` first. What is wrong in it
/// (another version may have let it in) is left out.
[[nodiscard]] std::vector<CataloguedProblem> problems_of(const Worker& worker);

}  // namespace opslab
