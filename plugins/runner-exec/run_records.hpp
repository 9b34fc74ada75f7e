#pragma once

#include <opslab/runner.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace opslab::runner_exec {

/// A run by name: both parts have been checked to be names of directories.
struct RunName {
    std::string worker{};
    std::string run{};
};

/// `exec:1:WORKER:RUN`; the number is the form's version.
[[nodiscard]] RunHandle to_handle(const RunName& name);
/// Its parts, not yet checked. Fails: `invalid`.
[[nodiscard]] RunnerResult<RunName> parts_of(const RunHandle& handle);

/// What the programs of a run share: `ROOT/WORKER/RUN/` with `request.json` and `shared/`, which is
/// theirs. It is the first thing made for a run and the last one removed, after the clean-up.
class RunRecords {
public:
    explicit RunRecords(std::string root) : root_(std::move(root)) {}

    /// Fails: `invalid` where the run exists or its task is no JSON, `infrastructure`.
    [[nodiscard]] RunnerStatus make(const RunName& name, const RunRequest& request) const;
    [[nodiscard]] bool exists(const RunName& name) const;
    /// Idempotent. Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus remove(const RunName& name) const;
    /// The names of the runs of a worker. Fails: `infrastructure`.
    [[nodiscard]] RunnerResult<std::vector<std::string>> list(const std::string& worker) const;

    [[nodiscard]] std::string request_file(const RunName& name) const;
    [[nodiscard]] std::string shared_directory(const RunName& name) const;

private:
    [[nodiscard]] std::string directory(const RunName& name) const;

    std::string root_;
};

}  // namespace opslab::runner_exec
