#include "http/request_body.hpp"

#include "base/digest.hpp"
#include "base/object_reader.hpp"
#include "http/problem.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace opslab {

Result<Json> read_json_body(const HttpRequest& request) {
    if (auto content = require_json_content(request); !content) {
        return fail(std::move(content.error()));
    }
    return parse_json(request.body);
}

Result<Json> read_optional_json_body(const HttpRequest& request) {
    if (request.body.empty()) {
        return Json::object();
    }
    return read_json_body(request);
}

void note_nul_fields(const Json& body, std::vector<FieldError>& errors) {
    auto found = nul_fields(body);
    if (found.empty()) {
        return;
    }
    std::set<std::string> noted;
    for (const auto& error : errors) {
        noted.insert(error.field);
    }
    for (auto& error : found) {
        if (noted.insert(error.field).second) {
            errors.push_back(std::move(error));
        }
    }
}

void note_unwanted_fields(const Json& body, std::vector<FieldError>& errors) {
    ObjectReader(body, "", errors).finish();
    note_nul_fields(body, errors);
}

std::string fingerprint_of(std::string_view verb, const Json& body) {
    return sha256_hex(std::string(verb) + "\n" + dump_json(body));
}

}  // namespace opslab
