#pragma once

#include "domain/task_request.hpp"
#include "http/event_pages.hpp"
#include "http/message.hpp"
#include "http/request_fields.hpp"
#include "service/task_check.hpp"
#include "service/task_service.hpp"
#include "service/unknown_problems.hpp"

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace opslab {

/// What clients do with tasks: decode, one service call, encode. Each method is a `Handler`.
/// Threads: all calls from any.
class TaskHandlers {
public:
    TaskHandlers(
        TaskService& tasks, TaskCheck& check, Clock& clock, Logger& logger, TaskDefaults defaults
    )
        : tasks_(tasks),
          check_(check),
          clock_(clock),
          defaults_(defaults),
          unknown_(std::make_unique<UnknownProblems>(logger)),
          followed_(std::make_unique<FollowedTasks>(tasks, clock)) {}

    void submit(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void submit_batch(const HttpRequest& request, const PathParams& params, Responder responder)
        const;
    void list(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void stats(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void detail(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void cancel(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void logs(const HttpRequest& request, const PathParams& params, Responder responder) const;
    void trajectory(const HttpRequest& request, const PathParams& params, Responder responder)
        const;
    /// Why a task waits, how it runs or how it went.
    void explain(const HttpRequest& request, const PathParams& params, Responder responder) const;
    /// Server-Sent Events of one task.
    void events(const HttpRequest& request, const PathParams& params, Responder responder) const;
    /// Finished attempts of all tasks, a line each.
    void feed(const HttpRequest& request, const PathParams& params, Responder responder) const;

private:
    /// What the runners here say of tasks that the request itself allows, as its error.
    [[nodiscard]] std::optional<Error> refusal_of(
        const std::vector<NewTask>& tasks, KeySpace space, RequestFields& fields
    ) const;

    TaskService& tasks_;
    TaskCheck& check_;
    Clock& clock_;
    TaskDefaults defaults_;
    std::unique_ptr<UnknownProblems> unknown_;
    std::unique_ptr<FollowedTasks> followed_;
};

}  // namespace opslab
