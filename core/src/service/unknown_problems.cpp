#include "service/unknown_problems.hpp"

namespace opslab {

namespace {

// whoever uses more ids than this has understood
constexpr std::size_t kMostTold = 1000;

}  // namespace

std::vector<std::string_view> UnknownProblems::not_told(const std::vector<NewTask>& tasks) {
    std::vector<std::string_view> ids;
    const std::lock_guard lock(mutex_);
    if (told_.size() >= kMostTold) {
        return ids;
    }
    for (const auto& task : tasks) {
        if (!told_.contains(task.problem_id)) {
            ids.emplace_back(task.problem_id);
        }
    }
    return ids;
}

bool UnknownProblems::note(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    return told_.size() < kMostTold && told_.insert(problem).second;
}

void UnknownProblems::tell_of_those_in(const std::vector<NewTask>& tasks) {
    const auto ids = not_told(tasks);
    const auto unknown = known_.unknown_among(ids);
    if (!unknown) {
        return;
    }
    for (const auto place : *unknown) {
        const std::string problem(ids[place]);
        if (note(problem)) {
            log(logger_,
                LogLevel::warning,
                "neither AIOpsLab's table nor any worker has such a problem; the task is accepted "
                "all the same",
                {{"problem_id", problem}});
        }
    }
}

}  // namespace opslab
