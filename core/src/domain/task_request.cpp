#include "domain/task_request.hpp"

#include "base/object_reader.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace opslab {

namespace {

constexpr std::size_t kMaxUrl = 2048;

bool is_backend_type(std::string_view name) {
    return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// An absolute http or https URL: scheme, host, perhaps a port, path and query; no user part (a
/// password would show in answers), no blanks or control characters.
bool is_callback_url(std::string_view url) {
    constexpr std::string_view kHttp = "http://";
    constexpr std::string_view kHttps = "https://";
    const auto starts_with = [&](std::string_view scheme) {
        return url.size() > scheme.size() &&
               std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) {
                   return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
               });
    };
    if (starts_with(kHttps)) {
        url.remove_prefix(kHttps.size());
    } else if (starts_with(kHttp)) {
        url.remove_prefix(kHttp.size());
    } else {
        return false;
    }
    const bool printable = std::all_of(url.begin(), url.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' &&
               c != '^' && c != '`' && c != '{' && c != '|' && c != '}';
    });
    std::string_view authority = url.substr(0, url.find_first_of("/?#"));
    if (!printable || authority.empty() || authority.find('@') != std::string_view::npos) {
        return false;
    }
    std::string_view port;
    if (authority.front() == '[') {
        const auto end = authority.find(']');
        if (end == std::string_view::npos || end == 1) {
            return false;
        }
        port = authority.substr(end + 1);
    } else {
        const auto colon = authority.find(':');
        if (colon == 0) {
            return false;
        }
        port = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
    }
    return port.empty() ||
           (port.front() == ':' && port.size() >= 2 && port.size() <= 6 &&
            std::all_of(
                port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; }
            ) &&
            std::stoi(std::string(port.substr(1))) <= 65535);
}

void read_agent_config(
    ObjectReader& reader, TaskParameters& into, std::vector<FieldError>& errors
) {
    const Json* config = reader.object("agent_config");
    if (config == nullptr) {
        return;
    }
    ObjectReader known(*config, reader.pointer_to("agent_config"), errors);
    known.string("model", 0, 1000);
    known.number("temperature", 0, 2);
    into.agent_config_json = dump_json(*config);
}

void read_texts(ObjectReader& reader, NewTask& task) {
    if (auto backend = reader.string("backend_type", 1, 63)) {
        if (!is_backend_type(*backend)) {
            reader.refuse("backend_type", "must be of lower-case letters, digits and hyphens");
        }
        task.backend_type = std::move(backend);
    }
    task.group_id = reader.string("group_id", 1, 255);
    if (auto url = reader.string("callback_url", 1, kMaxUrl)) {
        if (!is_callback_url(*url)) {
            reader.refuse(
                "callback_url", "must be an absolute http or https URL without user and password"
            );
        }
        task.parameters.callback_url = std::move(url);
    }
    if (const Json* metadata = reader.object("metadata")) {
        task.parameters.metadata_json = dump_json(*metadata);
    }
}

}  // namespace

std::optional<NewTask> decode_task_request(
    const Json& request,
    const std::string& pointer,
    const TaskDefaults& defaults,
    std::vector<FieldError>& errors
) {
    const auto before = errors.size();
    NewTask task;
    task.parameters.max_retries = defaults.max_retries;
    ObjectReader reader(request, pointer, errors);
    reader.require("problem_id");
    task.problem_id = reader.string("problem_id", 1, 255).value_or("");
    read_agent_config(reader, task.parameters, errors);
    const auto integer = [&](std::string_view key, std::int64_t min, std::int64_t max, int& into) {
        if (const auto value = reader.integer(key, min, max)) {
            into = static_cast<int>(*value);
        }
    };
    integer("max_steps", 1, 1000, task.parameters.max_steps);
    integer("timeout_minutes", 1, 180, task.parameters.timeout_minutes);
    integer("priority", 0, 10, task.parameters.priority);
    integer("max_retries", 0, 10, task.parameters.max_retries);
    read_texts(reader, task);
    reader.finish();
    if (errors.size() != before) {
        return std::nullopt;
    }
    return task;
}

}  // namespace opslab
