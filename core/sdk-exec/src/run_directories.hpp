#pragma once

#include <opslab/exec/process_identity.hpp>
#include <opslab/runner.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace opslab::exec {

/// Which run: a worker's id and a run's id, both fit to be names of directories.
struct RunName {
    std::string worker{};
    std::string run{};

    bool operator==(const RunName&) const = default;
};

/// Fails: `invalid` where a part could be anything but one plain directory's name.
[[nodiscard]] RunnerResult<RunName> run_name(std::string_view worker, std::string_view run);

/// `RUNNER:1:WORKER:RUN`; the number is the form's version.
[[nodiscard]] RunHandle to_handle(const std::string& runner, const RunName& name);
/// Fails: `invalid`.
[[nodiscard]] RunnerResult<RunName> from_handle(const std::string& runner, const RunHandle& handle);

/// What of a run is on disk: `ROOT/WORKER/RUN/` with `work/` (the driver's directory), `task.json`
/// and `record` (the identity of the supervisor). The directory is the first thing made for a run
/// and the last one removed, so whatever was left by a crash can be found by it.
class RunDirectories {
public:
    explicit RunDirectories(std::string root) : root_(std::move(root)) {}

    [[nodiscard]] const std::string& root() const { return root_; }

    /// The root itself, with its parents. Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus make_root() const;

    /// Fails: `invalid` where the run exists, `infrastructure`.
    [[nodiscard]] RunnerStatus make(const RunName& name) const;
    [[nodiscard]] bool exists(const RunName& name) const;

    /// Fails: `infrastructure`.
    [[nodiscard]] RunnerStatus remove(const RunName& name) const;

    [[nodiscard]] std::string run(const RunName& name) const;
    [[nodiscard]] std::string work(const RunName& name) const { return run(name) + "/work"; }
    [[nodiscard]] std::string task_file(const RunName& name) const;

    [[nodiscard]] RunnerStatus record(const RunName& name, const ProcessIdentity& supervisor) const;
    [[nodiscard]] std::optional<ProcessIdentity> recorded(const RunName& name) const;

    /// All runs of a worker that have a directory. Fails: `invalid`, `infrastructure`.
    [[nodiscard]] RunnerResult<std::vector<RunName>> list(const std::string& worker) const;

private:
    std::string root_;
};

}  // namespace opslab::exec
