#pragma once

#include "http/metrics_text.hpp"
#include "http/overdue_calls.hpp"
#include "http/router.hpp"

#include <opslab/time.hpp>

#include <optional>
#include <string>
#include <vector>

namespace opslab {

/// How a worker elsewhere is, at the moment of asking.
struct WorkerVitals {
    bool enrolled = false;  ///< known to its coordinator, and what a predecessor left is taken over
    bool draining = false;
    bool coordinator_answers = false;        ///< its last call was answered
    std::optional<Timestamp> last_answer{};  ///< of the coordinator; nothing before the first
    int slots = 0;
    int busy = 0;
    std::optional<std::string> circuit_open{};  ///< why it claims nothing for now
    std::vector<OverduePluginCall> overdue_calls{};
};

class WorkerVitalsSource {
public:
    WorkerVitalsSource() = default;
    WorkerVitalsSource(const WorkerVitalsSource&) = delete;
    WorkerVitalsSource& operator=(const WorkerVitalsSource&) = delete;
    virtual ~WorkerVitalsSource() = default;

    /// Never blocks on the coordinator. Threads: from any.
    [[nodiscard]] virtual WorkerVitals vitals() const = 0;
};

/// What the answers are made of; all of it outlives the router.
struct WorkerApiParts {
    const WorkerVitalsSource& source;
    MetricsText& metrics;
    std::string worker{};       ///< its id
    std::string coordinator{};  ///< its URL
    std::string version{};
};

/// The routes of a worker's own port: `/health`, `/live`, `/ready` and `/metrics`.
[[nodiscard]] Router make_worker_api(const WorkerApiParts& parts);

}  // namespace opslab
