#include "http/task_handlers.hpp"

#include "base/object_reader.hpp"
#include "domain/task_codec.hpp"
#include "http/async_reply.hpp"
#include "http/detail_stream.hpp"
#include "http/request_body.hpp"
#include "http/request_fields.hpp"
#include "http/task_queries.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace opslab {

namespace {

/// A cancel that came too late has a word of its own.
Error too_late(Error error) {
    if (error.code == Errc::conflict && error.reason.empty()) {
        error.reason = "task_already_terminal";
    }
    return error;
}

std::vector<NewTask> decode_batch(
    const Json& body, const TaskDefaults& defaults, std::vector<FieldError>& errors
) {
    std::vector<NewTask> tasks;
    ObjectReader reader(body, "", errors);
    reader.require("tasks");
    const Json* items = reader.array("tasks");
    reader.finish();
    if (items == nullptr) {
        return tasks;
    }
    if (items->empty() || items->size() > static_cast<std::size_t>(kMaxTasksPerSubmission)) {
        reader.refuse("tasks", "must have 1 to 1000 tasks, has " + std::to_string(items->size()));
        return tasks;
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
        auto task =
            decode_task_request((*items)[i], "/tasks/" + std::to_string(i), defaults, errors);
        if (task) {
            tasks.push_back(std::move(*task));
        }
    }
    return tasks;
}

Json tasks_json(const std::vector<Task>& tasks) {
    Json list = Json::array();
    for (const auto& task : tasks) {
        list.push_back(to_json(task));
    }
    return list;
}

void note_origin(const HttpRequest& request, std::vector<NewTask>& tasks) {
    TaskOrigin origin;
    if (request.own_request_id) {
        origin.request_id = request.request_id;
    }
    if (!request.traceparent.empty()) {
        origin.traceparent = request.traceparent;
    }
    for (auto& task : tasks) {
        task.origin = origin;
    }
}

std::optional<IdempotencyKey> key_of(
    const std::optional<std::string>& key, KeySpace space, const Json& body
) {
    if (!key) {
        return std::nullopt;
    }
    return IdempotencyKey{
        space, *key, fingerprint_of(space == KeySpace::task ? "task" : "batch", body)};
}

std::string problem_pointer(KeySpace space, std::size_t place) {
    return (space == KeySpace::task ? "" : "/tasks/" + std::to_string(place)) + "/problem_id";
}

/// The problems that a request names, each with its task's place, in whatever else is wrong.
std::vector<std::pair<std::size_t, std::string_view>> problems_in(
    const Json& body, KeySpace space
) {
    std::vector<std::pair<std::size_t, std::string_view>> problems;
    const auto add = [&problems](const Json& task, std::size_t place) {
        const auto found = task.find("problem_id");
        if (found != task.end() && found->is_string() &&
            !found->get_ref<const std::string&>().empty()) {
            problems.emplace_back(place, found->get_ref<const std::string&>());
        }
    };
    if (space == KeySpace::task) {
        add(body, 0);
    } else if (const auto tasks = body.find("tasks");
               tasks != body.end() && tasks->is_array() &&
               tasks->size() <= static_cast<std::size_t>(kMaxTasksPerSubmission)) {
        for (std::size_t i = 0; i < tasks->size(); ++i) {
            add((*tasks)[i], i);
        }
    }
    return problems;
}

}  // namespace

Status TaskHandlers::refuse_unknown_problems(
    const Json& body, KeySpace space, RequestFields& fields
) const {
    if (!rules_.strict_problems) {
        return {};
    }
    const auto named = problems_in(body, space);
    std::vector<std::string_view> ids;
    ids.reserve(named.size());
    for (const auto& [place, problem] : named) {
        ids.push_back(problem);
    }
    const auto unknown = rules_.problems.unknown_among(ids);
    if (!unknown) {
        return opslab::fail(unknown.error());
    }
    for (const auto at : *unknown) {
        fields.refuse(
            problem_pointer(space, named[at].first),
            "must be one of the problems that GET /problems lists"
        );
    }
    return {};
}

std::optional<Error> TaskHandlers::refusal_of(
    const std::vector<NewTask>& tasks, const Json& body, KeySpace space, RequestFields& fields
) const {
    if (const auto known = refuse_unknown_problems(body, space, fields); !known) {
        return known.error();
    }
    const auto reasons = rules_.check.refusals(tasks);
    for (std::size_t i = 0; i < reasons.size(); ++i) {
        if (reasons[i]) {
            fields.refuse(problem_pointer(space, i), *reasons[i]);
        }
    }
    return fields.good() ? std::nullopt : std::optional(fields.error());
}

void TaskHandlers::store(
    std::vector<NewTask> tasks,
    std::optional<IdempotencyKey> key,
    Reply<Submitted> reply,
    std::optional<Error> refusal
) const {
    if (!refusal && !rules_.strict_problems) {
        unknown_->tell_of_those_in(tasks);
    }
    tasks_.submit(std::move(tasks), std::move(key), std::move(reply), std::move(refusal));
}

void TaskHandlers::submit(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    fields.finish_query();
    const auto key = fields.idempotency_key();
    auto task = decode_task_request(*body, "", rules_.defaults, fields.errors());
    note_nul_fields(*body, fields.errors());
    if (!task || !fields.good()) {
        // where the storage is away, what is wrong anyway is all that can be said
        static_cast<void>(refuse_unknown_problems(*body, KeySpace::task, fields));
        responder.fail(fields.error());
        return;
    }
    std::vector<NewTask> tasks;
    tasks.push_back(std::move(*task));
    note_origin(request, tasks);
    auto refusal = refusal_of(tasks, *body, KeySpace::task, fields);
    const auto encode = [prefix = std::string(request.prefix())](const Submitted& submitted) {
        const auto& stored = submitted.tasks.at(0);
        auto response = json_response(submitted.replayed ? 200 : 201, dump_json(to_json(stored)));
        response.headers.add("Location", prefix + "/tasks/" + stored.id.value);
        return response;
    };
    store(
        std::move(tasks),
        key_of(key, KeySpace::task, *body),
        reply_to<Submitted>(std::move(responder), encode),
        std::move(refusal)
    );
}

void TaskHandlers::submit_batch(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    const auto body = read_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    fields.finish_query();
    const auto key = fields.idempotency_key();
    auto tasks = decode_batch(*body, rules_.defaults, fields.errors());
    note_nul_fields(*body, fields.errors());
    if (!fields.good()) {
        static_cast<void>(refuse_unknown_problems(*body, KeySpace::batch, fields));
        responder.fail(fields.error());
        return;
    }
    note_origin(request, tasks);
    auto refusal = refusal_of(tasks, *body, KeySpace::batch, fields);
    store(
        std::move(tasks),
        key_of(key, KeySpace::batch, *body),
        reply_to<Submitted>(
            std::move(responder),
            [](const Submitted& submitted) {
                return json_response(
                    submitted.replayed ? 200 : 201,
                    dump_json(Json{{"tasks", tasks_json(submitted.tasks)}})
                );
            }
        ),
        std::move(refusal)
    );
}

void TaskHandlers::list(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    const auto asked = read_task_list(fields);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto page = tasks_.list(asked.query);
    if (!page) {
        responder.fail(page.error());
        return;
    }
    const auto cursor = next_cursor(asked, *page);
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"tasks", tasks_json(page->tasks)},
            {"total", page->total},
            {"limit", asked.query.limit},
            {"offset", asked.offset},
            {"next_cursor", cursor ? Json(*cursor) : Json(nullptr)},
        })
    ));
}

void TaskHandlers::stats(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto stats = tasks_.stats();
    if (!stats) {
        responder.fail(stats.error());
        return;
    }
    responder.respond(json_response(200, dump_json(to_json(*stats))));
}

void TaskHandlers::detail(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    const auto id = fields.path_task();
    const bool with_logs = fields.boolean("include_logs").value_or(false);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto detail = tasks_.detail(id);
    if (!detail) {
        responder.fail(detail.error());
        return;
    }
    auto text = dump_json(to_json(*detail));
    if (!with_logs) {
        responder.respond(json_response(200, std::move(text)));
        return;
    }
    // a log has no bound: it is read and sent page by page
    responder.stream(
        {.content_type = "application/json"},
        std::make_unique<DetailStream>(tasks_, id, std::move(text))
    );
}

void TaskHandlers::cancel(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    const auto body = read_optional_json_body(request);
    if (!body) {
        responder.fail(body.error());
        return;
    }
    RequestFields fields(request, params);
    const auto id = fields.path_task();
    fields.finish_query();
    note_unwanted_fields(*body, fields.errors());
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    auto reply = reply_to<Task>(std::move(responder), [](const Task& task) {
        return json_response(200, dump_json(to_json(task)));
    });
    tasks_.cancel(id, [reply = std::move(reply)](Result<Task> result) {
        reply(result ? std::move(result) : Result<Task>(fail(too_late(result.error()))));
    });
}

void TaskHandlers::logs(const HttpRequest& request, const PathParams& params, Responder responder)
    const {
    RequestFields fields(request, params);
    const auto id = fields.path_task();
    const auto asked = read_log_list(id, fields);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto logs = tasks_.logs(asked.query);
    if (!logs) {
        responder.fail(logs.error());
        return;
    }
    Json list = Json::array();
    for (const auto& entry : *logs) {
        list.push_back(to_json(entry));
    }
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"task_id", id.value},
            {"logs", std::move(list)},
            {"next_cursor", next_cursor(asked, *logs)},
        })
    ));
}

void TaskHandlers::trajectory(
    const HttpRequest& request, const PathParams& params, Responder responder
) const {
    RequestFields fields(request, params);
    const auto id = fields.path_task();
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
        return;
    }
    const auto trajectory = tasks_.trajectory(id);
    if (!trajectory) {
        responder.fail(trajectory.error());
        return;
    }
    Json steps = Json::array();
    for (const auto& step : trajectory->steps) {
        steps.push_back(to_json(step));
    }
    responder.respond(json_response(
        200,
        dump_json(Json{
            {"task_id", id.value},
            {"attempt", trajectory->attempt},
            {"steps", std::move(steps)},
        })
    ));
}

}  // namespace opslab
