#include "http/request_fields.hpp"

#include "base/rfc3339.hpp"
#include "base/text.hpp"
#include "domain/worker_codec.hpp"
#include "http/field_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace opslab {

namespace {

constexpr std::string_view kIdempotencyKey = "Idempotency-Key";
constexpr std::size_t kMaxKey = 255;
// What one answer lists; a body of 8 MiB can hold a million wrong keys.
constexpr std::size_t kMaxListed = 10'000;

}  // namespace

std::optional<std::string_view> RequestFields::value(std::string_view name) {
    known_.emplace(name);
    return request_.query_value(name);
}

std::optional<std::string> RequestFields::text(
    std::string_view name, std::size_t min, std::size_t max
) {
    const auto given = value(name);
    if (!given) {
        return std::nullopt;
    }
    const auto length = count_code_points(*given);
    if (length < min || length > max) {
        refuse(name, fmt::format("must have {} to {} characters, has {}", min, max, length));
        return std::nullopt;
    }
    return std::string(*given);
}

std::optional<std::int64_t> RequestFields::integer(
    std::string_view name, std::int64_t min, std::int64_t max
) {
    const auto given = value(name);
    if (!given) {
        return std::nullopt;
    }
    std::int64_t number = 0;
    const auto* const end = given->data() + given->size();
    const auto [stop, error] = std::from_chars(given->data(), end, number);
    if (error != std::errc{} || stop != end || number < min || number > max) {
        refuse(name, fmt::format("must be an integer from {} to {}", min, max));
        return std::nullopt;
    }
    return number;
}

std::optional<std::string> RequestFields::word(
    std::string_view name, const std::vector<std::string_view>& allowed
) {
    const auto given = value(name);
    if (!given) {
        return std::nullopt;
    }
    if (std::find(allowed.begin(), allowed.end(), *given) == allowed.end()) {
        refuse(name, fmt::format("must be one of {}", fmt::join(allowed, ", ")));
        return std::nullopt;
    }
    return std::string(*given);
}

std::optional<bool> RequestFields::boolean(std::string_view name) {
    const auto given = word(name, {"true", "false"});
    return given ? std::optional(*given == "true") : std::nullopt;
}

std::optional<Timestamp> RequestFields::time(std::string_view name) {
    const auto given = value(name);
    if (!given) {
        return std::nullopt;
    }
    const auto at = parse_time(*given);
    if (!at) {
        refuse(name, "must be an RFC 3339 time such as 2026-01-31T08:15:30.123456Z");
    }
    return at;
}

std::optional<WorkerId> RequestFields::worker(std::string_view name) {
    const auto given = value(name);
    if (!given) {
        return std::nullopt;
    }
    if (!parse_worker_id(*given)) {
        refuse(name, "must have the form worker-NNN-BACKEND, such as worker-001-docker");
        return std::nullopt;
    }
    return WorkerId{std::string(*given)};
}

TaskId RequestFields::path_task(std::string_view name) {
    std::string id = params_.at(name);
    if (!is_uuid(id)) {
        refuse(name, "must be a UUID");
        return {};
    }
    std::transform(id.begin(), id.end(), id.begin(), lower_ascii);
    return TaskId{std::move(id)};
}

WorkerId RequestFields::path_worker(std::string_view name) {
    const auto& id = params_.at(name);
    if (!parse_worker_id(id)) {
        refuse(name, "must have the form worker-NNN-BACKEND, such as worker-001-docker");
        return {};
    }
    return WorkerId{id};
}

std::optional<std::string> RequestFields::idempotency_key() {
    std::optional<std::string> key;
    for (const auto& [name, given] : request_.headers.all()) {
        if (!same_field_name(name, kIdempotencyKey)) {
            continue;
        }
        const bool printable =
            std::all_of(given.begin(), given.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
        if (key) {
            refuse(kIdempotencyKey, "must be given once");
            return std::nullopt;
        }
        if (given.empty() || given.size() > kMaxKey || !printable) {
            refuse(kIdempotencyKey, "must have 1 to 255 printable ASCII characters");
            return std::nullopt;
        }
        key = given;
    }
    return key;
}

void RequestFields::refuse(std::string_view field, std::string message) {
    errors_.push_back({std::string(field), std::move(message)});
}

void RequestFields::finish_query() {
    std::map<std::string_view, int> times;
    for (const auto& param : request_.query) {
        const int seen = ++times[param.name];
        if (!known_.contains(param.name)) {
            if (seen == 1) {
                refuse(param.name, "is not a known parameter");
            }
        } else if (seen == 2) {
            refuse(param.name, "must be given once");
        }
    }
}

Error RequestFields::error() const {
    Error error{.code = Errc::invalid_argument, .message = "the request is not valid"};
    error.fields = errors_;
    if (error.fields.size() > kMaxListed) {
        const auto more = error.fields.size() - kMaxListed;
        error.fields.resize(kMaxListed);
        error.fields.push_back({"", fmt::format("and {} more fields are wrong", more)});
    }
    if (error.fields.size() == 1) {
        const auto& only = error.fields.front();
        error.message = fmt::format(
            "{} {}",
            only.field.empty() ? "the body" : fmt::format("\"{}\"", clip_utf8(only.field, 200)),
            only.message
        );
    } else if (!error.fields.empty()) {
        error.message = fmt::format("{} fields are not valid", errors_.size());
    }
    return error;
}

bool takes_no_query(const HttpRequest& request, const PathParams& params, Responder& responder) {
    RequestFields fields(request, params);
    fields.finish_query();
    if (!fields.good()) {
        responder.fail(fields.error());
    }
    return fields.good();
}

}  // namespace opslab
