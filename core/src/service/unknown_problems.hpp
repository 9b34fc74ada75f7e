#pragma once

#include <opslab/logger.hpp>
#include <opslab/task.hpp>

#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace opslab {

/// Says once for each problem that AIOpsLab does not have: other benchmarks have other ids, and a
/// slip of the pen costs a run. Threads: all calls from any.
class UnknownProblems {
public:
    explicit UnknownProblems(Logger& logger) : logger_(logger) {}

    void look_at(const std::vector<NewTask>& tasks);

private:
    Logger& logger_;
    std::mutex mutex_{};
    std::set<std::string, std::less<>> told_{};  // at most kMostTold
};

}  // namespace opslab
