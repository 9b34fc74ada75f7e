#include "engine_json.hpp"

#include "output_position.hpp"

#include <nlohmann/json.hpp>

namespace opslab::docker {
namespace {

using Json = nlohmann::json;

[[nodiscard]] tl::unexpected<EngineError> not_understood() {
    return engine_fail(EngineErrc::protocol, "the answer is not one of a Docker engine");
}

// Bounded in depth: the answers that we read are flat, whoever sends a deep one means ill.
[[nodiscard]] Json parsed(std::string_view text) {
    constexpr int kMaxDepth = 64;
    const auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= kMaxDepth; };
    return Json::parse(text.begin(), text.end(), keep, false);
}

[[nodiscard]] Labels labels_of(const Json& value) {
    return value.is_object() ? value.get<Labels>() : Labels{};
}

}  // namespace

EngineResult<std::string> text_member(std::string_view json, const char* name) {
    const Json value = parsed(json);
    if (!value.is_object() || !value.contains(name) || !value.at(name).is_string()) {
        return not_understood();
    }
    return value.at(name).get<std::string>();
}

EngineResult<ImageFacts> image_facts(std::string_view json) {
    const Json value = parsed(json);
    if (!value.is_object()) {
        return not_understood();
    }
    try {
        const auto config = value.find("Config");
        ImageFacts facts{.id = value.value("Id", std::string{})};
        if (config != value.end() && config->is_object()) {
            facts.labels = labels_of(config->value("Labels", Json()));
            facts.user = config->value("User", std::string{});
        }
        return facts;
    } catch (const Json::exception&) {
        return not_understood();
    }
}

EngineResult<ContainerState> container_state(std::string_view json) {
    try {
        const Json value = parsed(json);
        const Json& state = value.at("State");
        ContainerState out;
        out.id = value.at("Id").get<std::string>();
        out.name = value.at("Name").get<std::string>();
        if (out.name.starts_with('/')) {
            out.name.erase(0, 1);
        }
        out.labels = labels_of(value.at("Config").at("Labels"));
        if (const auto health = state.find("Health"); health != state.end()) {
            out.health = health->value("Status", std::string{});
        }
        out.is_running = state.at("Running").get<bool>() || state.at("Paused").get<bool>() ||
                         state.at("Restarting").get<bool>();
        out.is_restarting = state.at("Restarting").get<bool>();
        const auto started = state.value("StartedAt", std::string{});
        out.was_started = !started.starts_with("0001-01-01T");  // how engines write "never"
        out.started_ns = parse_stamp(started).value_or(0);
        out.is_out_of_memory = state.at("OOMKilled").get<bool>();
        out.exit_code = state.at("ExitCode").get<int>();
        return out;
    } catch (const Json::exception&) {
        return not_understood();
    }
}

EngineResult<std::vector<ContainerSummary>> container_list(std::string_view json) {
    try {
        std::vector<ContainerSummary> out;
        const Json rows = parsed(json);
        if (!rows.is_array()) {
            return not_understood();
        }
        for (const Json& row : rows) {
            out.push_back({row.at("Id").get<std::string>(), labels_of(row.at("Labels"))});
        }
        return out;
    } catch (const Json::exception&) {
        return not_understood();
    }
}

std::string engine_words(std::string_view body) {
    constexpr std::size_t kMax = 512;
    const auto member = text_member(body, "message");
    std::string words;
    for (const char c : member ? *member : std::string{}) {
        if (words.size() == kMax) {
            break;
        }
        const auto byte = static_cast<unsigned char>(c);
        words.push_back(byte < 0x20 || byte >= 0x7f ? ' ' : c);
    }
    while (!words.empty() && (words.back() == ' ' || words.back() == '.')) {
        words.pop_back();
    }
    return words;
}

std::string label_filters(const Labels& labels) {
    Json wanted = Json::array();
    for (const auto& [name, value] : labels) {
        wanted.push_back(name + "=" + value);
    }
    return Json{{"label", wanted}}.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string container_filter(std::string_view container) {
    return Json{{"container", {container}}}.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace opslab::docker
