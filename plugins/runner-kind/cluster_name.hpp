#pragma once

#include <opslab/runner.hpp>

#include <string>

namespace opslab::runner_kind {

/// Whether the id is of [a-z0-9-], and so fit for names and paths.
[[nodiscard]] bool is_worker_name(const WorkerId& worker);

/// `worker-001-kind`, for further slots `worker-001-kind-2` and so on, behind the prefix. Where the
/// id itself ends in a number (a runner named `kind-2`) the first slot has one too:
/// `worker-001-kind-2-1`. So no two slots of any workers have one name.
/// Fails: `invalid` where the worker's id is not of [a-z0-9-] or the name is too long for kind.
[[nodiscard]] RunnerResult<std::string> cluster_name(
    const std::string& prefix, const WorkerId& worker, int index
);

}  // namespace opslab::runner_kind
