#pragma once

#include "domain/task_request.hpp"
#include "http/event_pages.hpp"
#include "http/message.hpp"
#include "http/request_fields.hpp"
#include "service/known_problems.hpp"
#include "service/task_check.hpp"
#include "service/task_service.hpp"
#include "service/unknown_problems.hpp"

#include <opslab/logger.hpp>
#include <opslab/time.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace opslab {

/// What a task must keep to that comes in well formed, and what fills it up. The references outlive
/// the handlers.
struct SubmissionRules {
    TaskCheck& check;
    KnownProblems& problems;
    TaskDefaults defaults{};
    bool strict_problems = false;  ///< refuses tasks whose problem is not known
};

/// What clients do with tasks: decode, one service call, encode. Each method is a `Handler`.
/// Threads: all calls from any.
class TaskHandlers {
public:
    TaskHandlers(TaskService& tasks, const SubmissionRules& rules, Clock& clock, Logger& logger)
        : tasks_(tasks),
          clock_(clock),
          rules_(rules),
          unknown_(std::make_unique<UnknownProblems>(rules.problems, logger)),
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
    /// Notes the problems in `body` that nobody knows, where they are refused. Errors: the
    /// storage's, where it had to be asked.
    [[nodiscard]] Status refuse_unknown_problems(
        const Json& body, KeySpace space, RequestFields& fields
    ) const;
    /// What the rules and the runners here say of tasks that the request itself allows, as its
    /// error.
    [[nodiscard]] std::optional<Error> refusal_of(
        const std::vector<NewTask>& tasks, const Json& body, KeySpace space, RequestFields& fields
    ) const;
    /// Stores them, unless they are refused, and logs what is odd about them.
    void store(
        std::vector<NewTask> tasks,
        std::optional<IdempotencyKey> key,
        Reply<Submitted> reply,
        std::optional<Error> refusal
    ) const;

    TaskService& tasks_;
    Clock& clock_;
    SubmissionRules rules_;
    std::unique_ptr<UnknownProblems> unknown_;
    std::unique_ptr<FollowedTasks> followed_;
};

}  // namespace opslab
