#include "domain/worker_codec.hpp"

#include "base/digest.hpp"
#include "base/object_reader.hpp"
#include "base/rfc3339.hpp"
#include "base/text.hpp"
#include "domain/task_codec.hpp"
#include "domain/told_problems.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace opslab {

namespace {

constexpr std::string_view kPrefix = "worker-";
constexpr std::size_t kMaxGlobs = 1000;
constexpr std::size_t kMaxCircuitText = 2000;
/// Where the digest of `instance` stands in the stored metadata; never shown.
constexpr const char* kInstanceKey = "opslab.instance";
constexpr const char* kIdForm = "must have the form worker-NNN-BACKEND, such as worker-001-docker";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_backend_char(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
}

void read_globs(ObjectReader& reader, NewWorker& worker) {
    const Json* globs = reader.array("supported_problems");
    if (globs == nullptr) {
        return;
    }
    if (globs->size() > kMaxGlobs) {
        reader.refuse("supported_problems", fmt::format("must have at most {} globs", kMaxGlobs));
        return;
    }
    for (const auto& glob : *globs) {
        const bool fine = glob.is_string() && !glob.get_ref<const std::string&>().empty() &&
                          count_code_points(glob.get_ref<const std::string&>()) <= 255;
        if (!fine) {
            reader.refuse("supported_problems", "must be an array of globs of 1 to 255 characters");
            return;
        }
        worker.supported_problems.push_back(glob.get<std::string>());
    }
}

void read_metadata(ObjectReader& reader, NewWorker& worker) {
    const Json* metadata = reader.object("metadata");
    Json kept = metadata != nullptr ? *metadata : Json::object();
    if (kept.contains(kInstanceKey)) {
        reader.refuse("metadata", std::string("must not have the key ") + kInstanceKey);
    }
    if (const auto instance = reader.string("instance", 16, 128)) {
        kept[kInstanceKey] = sha256_hex(*instance);
    }
    worker.metadata_json = dump_json(kept);
}

/// Empty where there is none.
std::string instance_in(const std::string& metadata_json) {
    const auto metadata = parse_json(metadata_json);
    const bool kept = metadata && metadata->is_object() && metadata->contains(kInstanceKey) &&
                      metadata->at(kInstanceKey).is_string();
    return kept ? metadata->at(kInstanceKey).get<std::string>() : std::string();
}

Json shown_metadata(const std::string& metadata_json) {
    Json metadata = parse_json(metadata_json).value_or(Json::object());
    if (metadata.is_object()) {
        metadata.erase(kInstanceKey);
    }
    return metadata;
}

void read_capabilities(ObjectReader& reader, NewWorker& worker, std::vector<FieldError>& errors) {
    const Json* capabilities = reader.object("capabilities");
    Json kept = Json::object();
    if (capabilities != nullptr) {
        ObjectReader inner(*capabilities, reader.pointer_to("capabilities"), errors);
        worker.max_parallel_tasks =
            static_cast<int>(inner.integer("max_parallel_tasks", 1, 1000).value_or(1));
        read_globs(inner, worker);
        if (const Json* problems = inner.array("problems")) {
            check_told_problems(*problems, inner.pointer_to("problems"), errors);
        }
        kept = *capabilities;
    }
    kept["max_parallel_tasks"] = worker.max_parallel_tasks;
    kept["supported_problems"] = worker.supported_problems;
    worker.capabilities_json = dump_json(kept);
}

}  // namespace

std::optional<WorkerName> parse_worker_id(std::string_view id) {
    if (id.size() > 100 || id.substr(0, kPrefix.size()) != kPrefix) {
        return std::nullopt;
    }
    id.remove_prefix(kPrefix.size());
    const auto digits =
        static_cast<std::size_t>(std::find_if_not(id.begin(), id.end(), is_digit) - id.begin());
    if (digits < 3 || digits > 9 || digits + 1 >= id.size() || id[digits] != '-') {
        return std::nullopt;
    }
    const auto backend = id.substr(digits + 1);
    if (!std::all_of(backend.begin(), backend.end(), is_backend_char)) {
        return std::nullopt;
    }
    return WorkerName{std::stoi(std::string(id.substr(0, digits))), std::string(backend)};
}

WorkerId make_worker_id(int number, std::string_view backend_type) {
    return WorkerId{fmt::format("worker-{:03}-{}", number, backend_type)};
}

std::optional<NewWorker> decode_registration(const Json& request, std::vector<FieldError>& errors) {
    const auto before = errors.size();
    NewWorker worker;
    ObjectReader reader(request, "", errors);
    reader.require("id");
    reader.require("backend_type");
    const auto id = reader.string("id", 1, 100);
    const auto backend = reader.string("backend_type", 1, 63);
    if (backend && !std::all_of(backend->begin(), backend->end(), is_backend_char)) {
        reader.refuse("backend_type", "must be of lower-case letters, digits and hyphens");
    }
    if (id) {
        const auto name = parse_worker_id(*id);
        if (!name) {
            reader.refuse("id", kIdForm);
        } else if (backend && name->backend_type != *backend) {
            reader.refuse("id", "must end in its backend_type, \"" + *backend + "\"");
        }
        worker.id = WorkerId{*id};
    }
    worker.backend_type = backend.value_or("");
    read_capabilities(reader, worker, errors);
    read_metadata(reader, worker);
    reader.finish();
    if (errors.size() != before) {
        return std::nullopt;
    }
    return worker;
}

std::optional<Heartbeat> decode_heartbeat(const Json& request, std::vector<FieldError>& errors) {
    const auto before = errors.size();
    Heartbeat beat;
    ObjectReader reader(request, "", errors);
    reader.require("worker_id");
    reader.require("status");
    if (const auto id = reader.string("worker_id", 1, 100)) {
        if (!parse_worker_id(*id)) {
            reader.refuse("worker_id", kIdForm);
        }
        beat.worker = WorkerId{*id};
    }
    beat.status = reader.word("status", {"idle", "busy"}).value_or("idle") == "busy"
                      ? WorkerStatus::busy
                      : WorkerStatus::idle;
    if (const auto task = reader.string("current_task_id", 1, 100)) {
        if (!is_uuid(*task)) {
            reader.refuse("current_task_id", "must be a UUID");
        }
        beat.current_task = TaskId{*task};
    }
    beat.circuit_open = reader.string("circuit_open", 1, kMaxCircuitText);
    reader.finish();
    if (errors.size() != before) {
        return std::nullopt;
    }
    return beat;
}

bool same_instance(const NewWorker& successor, const Worker& registered) {
    const auto instance = instance_in(successor.metadata_json);
    return !instance.empty() && instance == instance_in(registered.metadata_json);
}

Json to_json(const Worker& worker) {
    return {
        {"id", worker.id.value},
        {"backend_type", worker.backend_type},
        {"status", to_string(worker.status)},
        {"last_heartbeat", format_time(worker.last_heartbeat)},
        {"current_task_id",
         worker.current_task_id ? Json(worker.current_task_id->value) : Json(nullptr)},
        {"capabilities", parse_json(worker.capabilities_json).value_or(Json::object())},
        {"metadata", shown_metadata(worker.metadata_json)},
        {"registered_at", format_time(worker.registered_at)},
        {"tasks_completed", worker.tasks_completed},
        {"tasks_failed", worker.tasks_failed},
    };
}

Json to_json(const WorkerId& id, const WorkerStats& stats) {
    const auto& counts = stats.counts;
    const auto ended = counts.completed + counts.failed + counts.timeout;
    return {
        {"worker_id", id.value},
        {"total", counts.running + ended + counts.cancelled},
        {"by_status", to_json(counts)},
        {"tasks_completed", counts.completed},
        {"tasks_failed", counts.failed + counts.timeout},
        {"duration_seconds", to_json(stats.duration)},
    };
}

}  // namespace opslab
