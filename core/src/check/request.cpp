#include "check/request.hpp"

#include "base/json.hpp"

#include <nlohmann/json.hpp>

namespace opslab::check {

Result<Request> request_from(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) {
        return fail(json.error());
    }
    try {
        Request request;
        request.file = json->at("file").get<std::string>();
        request.config_file = json->at("config_file").get<std::string>();
        request.broken_file = json->at("broken_file").get<std::string>();
        request.driver = json->at("driver").get<std::string>();
        request.leftovers = json->at("leftovers").get<std::string>();
        request.cases = json->at("cases").get<std::string>();
        request.junit_file = json->at("junit_file").get<std::string>();
        request.json = json->at("json").get<bool>();
        request.runs_outlive_host = json->at("runs_outlive_host").get<bool>();
        request.patience = std::chrono::seconds{json->at("patience_seconds").get<int>()};
        return request;
    } catch (const Json::exception&) {
        return fail(
            Errc::invalid_argument,
            "started by hand: this program belongs to opslab plugin check, of the same version"
        );
    }
}

}  // namespace opslab::check
