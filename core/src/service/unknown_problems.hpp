#pragma once

#include "service/known_problems.hpp"

#include <opslab/logger.hpp>
#include <opslab/task.hpp>

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace opslab {

/// Says once for each problem that nobody knows, where such problems are accepted: other benchmarks
/// have other ids, and a slip of the pen costs a run. Threads: all calls from any.
class UnknownProblems {
public:
    UnknownProblems(KnownProblems& known, Logger& logger) : known_(known), logger_(logger) {}

    /// Silent where the storage must be asked and is away.
    void tell_of_those_in(const std::vector<NewTask>& tasks);

private:
    /// The problems that were not told of yet; none once enough were.
    [[nodiscard]] std::vector<std::string_view> not_told(const std::vector<NewTask>& tasks);
    [[nodiscard]] bool note(const std::string& problem);

    KnownProblems& known_;
    Logger& logger_;
    std::mutex mutex_{};
    std::set<std::string, std::less<>> told_{};  // at most kMostTold
};

}  // namespace opslab
