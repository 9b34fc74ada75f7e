#include "base/json.hpp"
#include "domain/run_event.hpp"
#include "domain/task_codec.hpp"
#include "domain/task_request.hpp"
#include "domain/worker_codec.hpp"
#include "fuzz/fuzz.hpp"
#include "remote/answers.hpp"

#include <nlohmann/json.hpp>

/// One JSON text as every body that a client or worker may send. Promised: a body is either taken
/// or something is said against it, never both; what was taken, shown and read again is the same.
namespace opslab::fuzz {
namespace {

constexpr Timestamp kRequestTime{Duration{1'769'847'330'123'456}};

template <class Value>
void check_said(
    const std::optional<Value>& taken, const std::vector<FieldError>& errors, std::string_view text
) {
    require(taken.has_value() == errors.empty(), "taken, or something is said against it", text);
    for (const auto& error : errors) {
        require(!error.message.empty(), "a mistake is told in words", text);
        require(error.field.empty() || error.field[0] == '/', "and has a pointer", error.field);
    }
}

void as_task(const Json& body, std::string_view text) {
    std::vector<FieldError> errors;
    const auto request = decode_task_request(body, "", {}, errors);
    check_said(request, errors, text);
    if (!request) {
        return;
    }
    Task task{
        .id = TaskId{"01890000-0000-7000-8000-000000000000"},
        .problem_id = request->problem_id,
        .parameters = request->parameters,
        .backend_type = request->backend_type,
        .group_id = request->group_id,
        .created_at = kRequestTime,
        .updated_at = kRequestTime};
    const auto shown = parse_json(dump_json(to_json(task)), kMaxAnswerDepth);
    require(shown.has_value(), "a shown task is JSON", text);
    const auto read = read_task(*shown);
    require(read.has_value(), "a shown task can be read", text);
    require(*read == task, "and is the same", text);
}

void as_worker(const Json& body, std::string_view text) {
    std::vector<FieldError> errors;
    const auto worker = decode_registration(body, errors);
    check_said(worker, errors, text);
    if (!worker) {
        return;
    }
    const auto name = parse_worker_id(worker->id.value);
    require(name && name->backend_type == worker->backend_type, "its id ends in its type", text);
    const Worker stored{
        .id = worker->id,
        .backend_type = worker->backend_type,
        .capabilities_json = worker->capabilities_json,
        .metadata_json = worker->metadata_json};
    const auto shown = to_json(stored);
    // elsewhere the word may stand: capabilities are the worker's own
    require(!shown.at("metadata").contains("opslab.instance"), "no digest shows", text);
    const auto read = read_worker(shown);
    require(read && read->capabilities_json == worker->capabilities_json, "it reads back", text);
}

void as_event(const Json& body, std::string_view text) {
    std::vector<FieldError> errors;
    const auto event = decode_run_event(body, "/events/0", kRequestTime, errors);
    check_said(event, errors, text);
    if (!event) {
        return;
    }
    const auto shown = parse_json(dump_json(to_json(*event)), kMaxAnswerDepth);
    require(shown.has_value(), "a shown event is JSON", text);
    const auto again = decode_run_event(*shown, "", kRequestTime, errors);
    require(again && *again == *event, "an event, written and read, is the same", text);
}

void as_result(const Json& body, std::string_view text) {
    std::vector<FieldError> errors;
    const auto result = decode_result(body, "/result", errors);
    check_said(result, errors, text);
    if (!result) {
        return;
    }
    const auto shown = parse_json(result->result_json, kMaxAnswerDepth);
    require(shown.has_value(), "a kept result is JSON", text);
    const auto again = decode_result(*shown, "", errors);
    require(again && *again == *result, "a result, written and read, is the same", text);
}

void json_requests(std::string_view input) {
    const auto body = parse_json(input);
    if (!body) {
        require(body.error().reason == "malformed_json", "no JSON is a fault of the form");
        return;
    }
    const auto written = dump_json(*body);
    const auto again = parse_json(written);
    require(again && *again == *body, "JSON, written and read, is the same", written);
    for (const auto& error : nul_fields(*body)) {
        require(error.field.empty() || error.field[0] == '/', "a NUL has a pointer", error.field);
    }
    as_task(*body, input);
    as_worker(*body, input);
    as_event(*body, input);
    as_result(*body, input);
    std::vector<FieldError> errors;
    check_said(decode_heartbeat(*body, errors), errors, input);
}

const Registration kJsonRequests{"json_requests", json_requests};

}  // namespace
}  // namespace opslab::fuzz
