#pragma once

#include <opslab/exec/unique_fd.hpp>
#include <opslab/runner.hpp>

#include <string>

namespace opslab::runner_kind {

/// Which process may make, check and remove a worker's clusters, among all that open the same state
/// directory: other coordinators, and the guard that ends runs whose lease lapsed. A file for each
/// worker is locked; the lock goes with the process that holds it, by kill -9 too, and no child
/// inherits it; the files stay. Threads: any.
class WorkerLocks {
public:
    explicit WorkerLocks(std::string directory) : directory_(std::move(directory)) {}

    /// Held until the answer is closed. Does not wait. Fails: `infrastructure` where another
    /// process (or this one) has it or the file cannot be made, `invalid` where the worker's id is
    /// not of [a-z0-9-].
    [[nodiscard]] RunnerResult<exec::UniqueFd> take(const WorkerId& worker) const;

private:
    std::string directory_;
};

}  // namespace opslab::runner_kind
