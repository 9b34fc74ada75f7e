#include "http/api.hpp"

#include "http/catalogue_handlers.hpp"
#include "http/docs_handlers.hpp"
#include "http/live_route.hpp"
#include "http/service_handlers.hpp"
#include "http/task_handlers.hpp"
#include "http/worker_handlers.hpp"

#include <memory>
#include <utility>

namespace opslab {

namespace {

/// A method of a group of handlers as a `Handler`; the group lives as long as its routes.
template <class Group>
Handler bind(
    std::shared_ptr<const Group> group,
    void (Group::*method)(const HttpRequest&, const PathParams&, Responder) const
) {
    return [group = std::move(group), method](
               const HttpRequest& request, const PathParams& params, Responder responder
           ) { ((*group).*method)(request, params, std::move(responder)); };
}

void add_tasks(Router& router, const ApiParts& parts) {
    using Tasks = TaskHandlers;
    const auto tasks = std::make_shared<const Tasks>(
        parts.tasks,
        SubmissionRules{parts.check, parts.problems, parts.defaults, parts.strict_problems},
        parts.clock,
        parts.logger
    );
    const auto add = [&](HttpMethod method, const char* path, const char* id, auto handler) {
        router.add({method, path, id, bind<Tasks>(tasks, handler)});
    };
    add(HttpMethod::post, "/tasks", "submitTask", &Tasks::submit);
    add(HttpMethod::post, "/tasks/batch", "submitTasks", &Tasks::submit_batch);
    add(HttpMethod::get, "/tasks", "listTasks", &Tasks::list);
    add(HttpMethod::get, "/tasks/stats", "getTaskStats", &Tasks::stats);
    add(HttpMethod::get, "/tasks/{id}", "getTask", &Tasks::detail);
    add(HttpMethod::del, "/tasks/{id}", "deleteTask", &Tasks::cancel);
    add(HttpMethod::post, "/tasks/{id}/cancel", "cancelTask", &Tasks::cancel);
    add(HttpMethod::get, "/tasks/{id}/logs", "listTaskLogs", &Tasks::logs);
    add(HttpMethod::get, "/tasks/{id}/trajectory", "getTrajectory", &Tasks::trajectory);
    add(HttpMethod::get, "/tasks/{id}/explain", "explainTask", &Tasks::explain);
    add(HttpMethod::get, "/tasks/{id}/events", "followTask", &Tasks::events);
    add(HttpMethod::get, "/trajectories", "readTrajectories", &Tasks::feed);
    router.add(
        {HttpMethod::get,
         "/problems",
         "listProblems",
         bind<CatalogueHandlers>(
             std::make_shared<const CatalogueHandlers>(parts.problems), &CatalogueHandlers::list
         )}
    );
}

void add_workers(Router& router, const ApiParts& parts) {
    using Workers = WorkerHandlers;
    const auto workers =
        std::make_shared<const Workers>(parts.workers, parts.embedded, parts.clock);
    const auto add = [&](HttpMethod method, const char* path, const char* id, auto handler) {
        router.add({method, path, id, bind<Workers>(workers, handler)});
    };
    constexpr auto kGet = HttpMethod::get;
    constexpr auto kPost = HttpMethod::post;
    add(kPost, "/workers/register", "registerWorker", &Workers::enroll);
    add(kPost, "/workers/heartbeat", "sendHeartbeat", &Workers::heartbeat);
    add(kGet, "/workers", "listWorkers", &Workers::list);
    add(kGet, "/workers/{id}", "getWorker", &Workers::find);
    add(kGet, "/workers/{id}/stats", "getWorkerStats", &Workers::stats);
    add(kPost, "/workers/{id}/retire", "retireWorker", &Workers::retire);
    add(kPost, "/workers/{id}/release", "releaseWorker", &Workers::release);
    add(kPost, "/workers/{id}/claim", "claimTasks", &Workers::claim);
    add(kGet, "/workers/{id}/tasks", "listWorkerTasks", &Workers::running);
    add(kPost, "/workers/{id}/tasks/{task}/events", "reportEvents", &Workers::record);
    add(kPost, "/workers/{id}/tasks/{task}/complete", "completeTask", &Workers::complete);
    add(kPost, "/workers/{id}/tasks/{task}/fail", "failTask", &Workers::fail);
    add(kGet, "/workers/internal/status", "getInternalWorkers", &Workers::embedded_status);
    add(kPost, "/workers/internal/scale", "scaleInternalWorkers", &Workers::embedded_scale);
    add(kPost, "/workers/internal/start", "startInternalWorkers", &Workers::embedded_start);
    add(kPost, "/workers/internal/stop", "stopInternalWorkers", &Workers::embedded_stop);
}

void add_service(Router& router, const ApiParts& parts) {
    using Service = ServiceHandlers;
    const auto service = std::make_shared<const Service>(
        parts.tasks, parts.storage, parts.metrics, parts.clock, parts.version, parts.overdue_calls
    );
    const auto add = [&](const char* path, const char* id, auto handler, Access access) {
        router.add(
            {HttpMethod::get,
             path,
             id,
             bind<Service>(service, handler),
             Placement::executor,
             access}
        );
    };
    // Probes and the page send no token; what they answer tells nothing of anybody's work.
    add("/health", "getHealth", &Service::health, Access::token);
    router.add(live_route("getLive"));
    add("/ready", "getReady", &Service::ready, Access::open);
    add("/metrics", "getMetrics", &Service::metrics, Access::token);
    add("/openapi.json", "getOpenApi", &Service::openapi, Access::open);
}

}  // namespace

void add_docs(Router& router) {
    const auto docs = std::make_shared<const DocsHandlers>();
    const auto add = [&](const char* path, const char* id, auto handler) {
        router.add(
            {HttpMethod::get,
             path,
             id,
             bind<DocsHandlers>(docs, handler),
             Placement::executor,
             Access::open}
        );
    };
    add("/docs", "getDocs", &DocsHandlers::page);
    add("/docs/swagger-ui-bundle.js", "getDocsScript", &DocsHandlers::script);
    add("/docs/swagger-ui.css", "getDocsStyle", &DocsHandlers::style);
}

Router make_api(const ApiParts& parts) {
    Router router;
    add_tasks(router, parts);
    add_workers(router, parts);
    add_service(router, parts);
    add_docs(router);
    return router;
}

}  // namespace opslab
