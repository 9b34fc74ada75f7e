#include "service/unknown_problems.hpp"

#include "domain/problem_catalogue.hpp"

namespace opslab {

namespace {

// whoever uses more ids than this has understood
constexpr std::size_t kMostTold = 1000;

}  // namespace

void UnknownProblems::look_at(const std::vector<NewTask>& tasks) {
    for (const auto& task : tasks) {
        if (ProblemCatalogue::aiopslab().holds(task.problem_id)) {
            continue;
        }
        {
            const std::lock_guard lock(mutex_);
            if (told_.size() >= kMostTold || !told_.insert(task.problem_id).second) {
                continue;
            }
        }
        log(logger_,
            LogLevel::warning,
            "AIOpsLab has no such problem; the task is accepted all the same",
            {{"problem_id", task.problem_id}});
    }
}

}  // namespace opslab
