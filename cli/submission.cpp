#include "submission.hpp"

#include "base/json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

namespace opslab::cli {
namespace {

constexpr std::size_t kMaxInputBytes = 64UL * 1024 * 1024;
constexpr std::size_t kPieceBytes = 64UL * 1024;

struct FileCloser {
    void operator()(std::FILE* file) const {
        if (file != stdin) {
            std::fclose(file);
        }
    }
};

std::string why_not() {
    return std::generic_category().message(errno);
}

Result<nlohmann::json> object_option(std::string_view option, const std::string& given) {
    const bool is_file = given.front() == '@';
    auto text = is_file ? read_input(given.substr(1)) : Result<std::string>{given};
    if (!text) {
        return fail(within(std::string{option}, text.error()));
    }
    auto value = parse_json(*text);
    if (!value) {
        return fail(within(fmt::format("{} must be a JSON object", option), value.error()));
    }
    if (!value->is_object()) {
        return fail(
            Errc::invalid_argument,
            fmt::format("{} must be a JSON object, like {{\"model\": \"gpt-4o\"}}", option)
        );
    }
    return value;
}

Result<std::vector<nlohmann::json>> from_lines(std::string_view text) {
    std::vector<nlohmann::json> requests;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
            continue;
        }
        auto value = parse_json(line);
        if (!value || !value->is_object()) {
            return fail(
                Errc::invalid_argument,
                fmt::format(
                    "line {} is not a task: {}",
                    number,
                    value ? "not a JSON object" : value.error().message
                )
            );
        }
        requests.push_back(std::move(*value));
    }
    return requests;
}

}  // namespace

Result<std::string> read_input(const std::string& path) {
    const std::unique_ptr<std::FILE, FileCloser> file{
        path == "-" ? stdin : std::fopen(path.c_str(), "rbe")};
    if (!file) {
        return fail(Errc::invalid_argument, "cannot open \"" + path + "\": " + why_not());
    }
    std::string text;
    std::string piece(kPieceBytes, '\0');
    for (;;) {
        const auto count = std::fread(piece.data(), 1, piece.size(), file.get());
        text.append(piece, 0, count);
        if (text.size() > kMaxInputBytes) {
            return fail(Errc::invalid_argument, "\"" + path + "\" is over 64 MiB");
        }
        if (count < piece.size()) {
            break;
        }
    }
    if (std::ferror(file.get()) != 0) {
        return fail(Errc::invalid_argument, "cannot read \"" + path + "\": " + why_not());
    }
    return text;
}

Result<nlohmann::json> task_request(const TaskFields& fields) {
    nlohmann::json request{{"problem_id", fields.problem}};
    for (const auto& [option, key, text] :
         {std::tuple{"--agent-config", "agent_config", &fields.agent_config},
          std::tuple{"--metadata", "metadata", &fields.metadata}}) {
        if (!text->empty()) {
            auto value = object_option(option, *text);
            if (!value) {
                return tl::unexpected(value.error());
            }
            request[key] = std::move(*value);
        }
    }
    for (const auto& [key, number] :
         {std::pair{"max_steps", fields.max_steps},
          std::pair{"timeout_minutes", fields.timeout_minutes},
          std::pair{"priority", fields.priority},
          std::pair{"max_retries", fields.retries}}) {
        if (number) {
            request[key] = *number;
        }
    }
    for (const auto& [key, text] :
         {std::pair{"backend_type", &fields.backend},
          std::pair{"group_id", &fields.group},
          std::pair{"callback_url", &fields.callback_url}}) {
        if (!text->empty()) {
            request[key] = *text;
        }
    }
    return request;
}

Result<std::vector<nlohmann::json>> task_requests(std::string_view text) {
    auto whole = parse_json(text);
    if (!whole) {
        // several objects, one a line, are no single JSON text; one broken text is reported as such
        const auto first_line = text.substr(0, text.find('\n'));
        if (first_line.size() < text.size() && parse_json(first_line)) {
            return from_lines(text);
        }
        return fail(within("the tasks are not JSON", whole.error()));
    }
    nlohmann::json tasks = std::move(*whole);
    if (tasks.is_object()) {
        const bool wrapped = tasks.size() == 1 && tasks.contains("tasks");
        nlohmann::json inner = wrapped ? tasks.at("tasks") : nlohmann::json::array({tasks});
        tasks = std::move(inner);
    }
    if (!tasks.is_array() || tasks.empty()) {
        return fail(
            Errc::invalid_argument,
            "the tasks must be one object, an array of them, {\"tasks\": [...]}, or one a line"
        );
    }
    return tasks.get<std::vector<nlohmann::json>>();
}

}  // namespace opslab::cli
