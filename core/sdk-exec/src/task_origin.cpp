#include <opslab/exec/task_origin.hpp>

#include <array>
#include <cstddef>

namespace opslab::exec {
namespace {

constexpr std::size_t kLongest = 128;

/// The length of the JSON string that begins at `at` (a quote), quotes included; 0: it has no end.
[[nodiscard]] std::size_t string_length(std::string_view json, std::size_t at) {
    for (std::size_t i = at + 1; i < json.size(); ++i) {
        if (json[i] == '\\') {
            ++i;
        } else if (json[i] == '"') {
            return i + 1 - at;
        }
    }
    return 0;
}

/// Letters, digits and `.` `_` `-`: all that either value is made of, and nothing to escape.
[[nodiscard]] bool is_plain(std::string_view text) {
    constexpr std::string_view kPlain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return !text.empty() && text.size() <= kLongest &&
           text.find_first_not_of(kPlain) == std::string_view::npos;
}

/// The text of the member `name` of the outermost object; empty where there is none.
[[nodiscard]] std::string_view member_text(std::string_view json, std::string_view name) {
    constexpr std::string_view kJsonBlanks = " \t\r\n";
    int depth = 0;
    for (std::size_t at = 0; at < json.size(); ++at) {
        const char c = json[at];
        depth += c == '{' || c == '[' ? 1 : 0;
        depth -= c == '}' || c == ']' ? 1 : 0;
        if (c != '"') {
            continue;
        }
        const auto length = string_length(json, at);
        if (length == 0) {
            return {};
        }
        const auto key = json.substr(at + 1, length - 2);
        at += length - 1;
        if (depth != 1 || key != name) {
            continue;
        }
        auto next = json.find_first_not_of(kJsonBlanks, at + 1);
        if (next == std::string_view::npos || json[next] != ':') {
            continue;  // a value that reads like the name
        }
        next = json.find_first_not_of(kJsonBlanks, next + 1);
        if (next == std::string_view::npos || json[next] != '"') {
            return {};
        }
        const auto size = string_length(json, next);
        return size == 0 ? std::string_view{} : json.substr(next + 1, size - 2);
    }
    return {};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> origin_variables(std::string_view task_json) {
    constexpr std::array<std::pair<const char*, const char*>, 2> kMembers{
        {{"traceparent", "TRACEPARENT"}, {"request_id", "OPSLAB_REQUEST_ID"}}};
    std::vector<std::pair<std::string, std::string>> variables;
    for (const auto& [member, variable] : kMembers) {
        if (const auto text = member_text(task_json, member); is_plain(text)) {
            variables.emplace_back(variable, text);
        }
    }
    return variables;
}

}  // namespace opslab::exec
