#include "task.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace simulated {
namespace {

using Json = nlohmann::json;

template <class T>
void take(const Json& from, const char* name, T& to) {
    if (const auto found = from.find(name); found != from.end() && !found->is_null()) {
        to = found->get<T>();
    }
}

template <class T>
void take(const Json& from, const char* name, std::optional<T>& to) {
    if (const auto found = from.find(name); found != from.end() && !found->is_null()) {
        to = found->get<T>();
    }
}

[[nodiscard]] Script script_of(const Json& agent_config) {
    Script script;
    const auto simulate = agent_config.find("simulate");
    if (simulate == agent_config.end() || !simulate->is_object()) {
        return script;
    }
    take(*simulate, "mode", script.mode);
    take(*simulate, "steps", script.steps);
    take(*simulate, "step_ms", script.step_ms);
    take(*simulate, "lines", script.lines);
    take(*simulate, "bytes", script.bytes);
    take(*simulate, "exit_code", script.exit_code);
    take(*simulate, "signal", script.signal);
    take(*simulate, "hang", script.hang);
    take(*simulate, "success", script.success);
    take(*simulate, "reward", script.reward);
    take(*simulate, "seed", script.seed);
    return script;
}

}  // namespace

std::optional<Task> take_task(std::string& problem) {
    const char* path =
        std::getenv("OPSLAB_TASK_FILE");  // NOLINT(concurrency-mt-unsafe): one thread
    if (path == nullptr) {
        problem = "OPSLAB_TASK_FILE is not set; see --help";
        return std::nullopt;
    }
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file.is_open() || ::unlink(path) != 0) {
        problem = "the task file cannot be read and deleted";
        return std::nullopt;
    }
    try {
        Json json = Json::parse(text);
        Task task;
        take(json, "task_id", task.task_id);
        take(json, "attempt", task.attempt);
        take(json, "problem_id", task.problem_id);
        take(json, "max_steps", task.max_steps);
        task.event_prefix = json.at("event_prefix").get<std::string>();
        if (const auto config = json.find("agent_config");
            config != json.end() && config->is_object()) {
            task.script = script_of(*config);
        }
        json.erase("event_prefix");
        task.text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
        return task;
    } catch (const Json::exception& thrown) {
        problem = std::string("the task file is not as the driver protocol says: ") + thrown.what();
        return std::nullopt;
    }
}

}  // namespace simulated
