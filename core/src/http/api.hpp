#pragma once

#include "domain/task_request.hpp"
#include "http/embedded_workers.hpp"
#include "http/metrics_text.hpp"
#include "http/overdue_calls.hpp"
#include "http/router.hpp"
#include "service/known_problems.hpp"
#include "service/task_check.hpp"
#include "service/task_service.hpp"
#include "service/worker_service.hpp"

#include <opslab/logger.hpp>
#include <opslab/storage.hpp>
#include <opslab/time.hpp>

#include <string>

namespace opslab {

/// What the REST API speaks to. All of it outlives the router and every call made from it.
struct ApiParts {
    TaskService& tasks;
    TaskCheck& check;
    KnownProblems& problems;
    WorkerService& workers;
    EmbeddedWorkers& embedded;
    MetricsText& metrics;
    Storage& storage;  ///< for the probes alone: `ping` and `info`
    Clock& clock;
    Logger& logger;
    TaskDefaults defaults{};
    bool strict_problems = false;  ///< refuses tasks whose problem is not known
    std::string version{};
    OverdueCallSource overdue_calls{};
};

/// The route table of the whole API. openapi.json describes the same; a test holds them together.
[[nodiscard]] Router make_api(const ApiParts& parts);

}  // namespace opslab
