#pragma once

#include "base/json.hpp"

#include <opslab/storage.hpp>
#include <opslab/worker.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How workers look in JSON, and what they send.
namespace opslab {

/// The parts of `worker-NNN-BACKEND`.
struct WorkerName {
    int number = 0;
    std::string backend_type{};
};

/// Nothing where `id` has not that form: three to nine digits, BACKEND of `[a-z0-9-]`.
[[nodiscard]] std::optional<WorkerName> parse_worker_id(std::string_view id);

/// `worker-007-docker`.
[[nodiscard]] WorkerId make_worker_id(int number, std::string_view backend_type);

/// Reads `POST /workers/register`. Its `instance` is kept as a digest, beside the metadata.
[[nodiscard]] std::optional<NewWorker> decode_registration(
    const Json& request, std::vector<FieldError>& errors
);

/// Reads `POST /workers/heartbeat`.
[[nodiscard]] std::optional<Heartbeat> decode_heartbeat(
    const Json& request, std::vector<FieldError>& errors
);

/// Whether both were registered with the same `instance`: a secret that a worker process keeps on
/// its disk, so that after a restart it need not wait until its dead self counts as offline.
[[nodiscard]] bool same_instance(const NewWorker& successor, const Worker& registered);

[[nodiscard]] Json to_json(const Worker& worker);
[[nodiscard]] Json to_json(const WorkerId& id, const WorkerStats& stats);

}  // namespace opslab
